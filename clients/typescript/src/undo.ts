// One's own edits, to take back: those of this page's life, last first.
//
// Promises: edits of one group are one step; a new edit forgets what could be redone.
// Must never: undo an edit that is not saved.

import type { EditHandle } from "./project/pending.js"

/** Steps that can be taken back at most; older ones are forgotten. */
const STEPS_MAX = 1_000

/** What can be taken back at once: an edit or a group of them; or what the hub made at our word, an undo or a restore. */
export type Step = { edits: readonly EditHandle[]; group: string | undefined } | { made: string }

export class UndoStack {
  #undo: Step[] = []
  #redo: Step[] = []

  get undoable(): boolean {
    return this.#undo.length > 0
  }

  get redoable(): boolean {
    return this.#redo.length > 0
  }

  /** A new edit was made; coalesced ones come once. */
  made(edit: EditHandle, group: string | undefined): void {
    this.#redo = []
    const last = this.#undo.at(-1)
    if (last !== undefined && "edits" in last && group !== undefined && last.group === group) {
      this.#undo[this.#undo.length - 1] = { group, edits: [...last.edits, edit] }
    } else this.#undo.push({ group, edits: [edit] })
    this.#undo = this.#undo.slice(-STEPS_MAX)
  }

  /** A restore was made, which can be taken back like an edit. */
  restored(editId: string): void {
    this.#redo = []
    this.#undo = [...this.#undo, { made: editId }].slice(-STEPS_MAX)
  }

  /** There is nothing of an edit to take back: it was rejected, came to nothing, or became part of another. */
  lost(edit: EditHandle): void {
    this.#undo = this.#undo
      .map(step => ("edits" in step ? { ...step, edits: step.edits.filter(each => each !== edit) } : step))
      .filter(step => !("edits" in step) || step.edits.length > 0)
  }

  take(which: "undo" | "redo"): Step | undefined {
    return which === "undo" ? this.#undo.pop() : this.#redo.pop()
  }

  /** A step was taken back by this edit, which can be taken back in turn. */
  done(which: "undo" | "redo", editId: string): void {
    const other = which === "undo" ? this.#redo : this.#undo
    other.push({ made: editId })
  }
}

/** What `undo` names on the wire. */
export function targetOf(step: Step): string {
  if ("made" in step) return step.made
  return step.group ?? step.edits[0]!.id
}
