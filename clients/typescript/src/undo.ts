// One's own edits, to take back: those of this page's life, last first.
//
// A step is taken, and stays in its place until it is known what became of it: done, it goes over to the other side;
// failed, it can be taken again; what can never be taken back is forgotten, so that the one before it is next.
//
// Promises: edits of one group are one step; a new edit forgets what could be redone.
// Must never: undo an edit that is not saved; have two steps taken at a time.

import type { EditHandle } from "./project/pending.js"

/** Steps that can be taken back at most; older ones are forgotten. */
const STEPS_MAX = 1_000

/** What can be taken back at once: an edit or a group of them; or what the hub made at our word, an undo or a restore. */
export type Step = ({ edits: readonly EditHandle[]; group: string | undefined } | { made: string }) & {
  /** The `editId` that takes it back, however often that is tried. */
  readonly by: string
}

export class UndoStack {
  #undo: Step[] = []
  #redo: Step[] = []
  #taken: Step | null = null

  get undoable(): boolean {
    return this.#undo.some(step => step !== this.#taken)
  }

  get redoable(): boolean {
    return this.#redo.some(step => step !== this.#taken)
  }

  /** A new edit was made; coalesced ones come once. */
  made(edit: EditHandle, group: string | undefined): void {
    this.#redo = []
    const last = this.#undo.at(-1)
    const isMore = last !== undefined && last !== this.#taken && "edits" in last && last.group === group
    if (isMore && group !== undefined) last.edits = [...last.edits, edit]
    else this.#push({ group, edits: [edit], by: crypto.randomUUID() })
  }

  /** A restore was made, which can be taken back like an edit. */
  restored(editId: string): void {
    this.#redo = []
    this.#push({ made: editId, by: crypto.randomUUID() })
  }

  /** There is nothing of an edit to take back: it was rejected, came to nothing, or became part of another. */
  lost(edit: EditHandle): void {
    for (const step of this.#undo) if ("edits" in step) step.edits = step.edits.filter(each => each !== edit)
    this.#undo = this.#undo.filter(step => !("edits" in step) || step.edits.length > 0)
  }

  take(which: "undo" | "redo"): Step | undefined {
    const step = (which === "undo" ? this.#undo : this.#redo).at(-1)
    this.#taken = step ?? null
    return step
  }

  /** The step was taken back, by an edit that can be taken back in turn. */
  done(which: "undo" | "redo"): void {
    const step = this.#taken
    if (step === null) return
    this.forget()
    const back: Step = { made: step.by, by: crypto.randomUUID() }
    if (which === "undo") this.#redo.push(back)
    else this.#push(back)
  }

  /** The step was not taken back, and may be taken again. */
  failed(): void {
    this.#taken = null
  }

  /** The step can never be taken back. */
  forget(): void {
    const goes = (step: Step) => step !== this.#taken
    this.#undo = this.#undo.filter(goes)
    this.#redo = this.#redo.filter(goes)
    this.#taken = null
  }

  #push(step: Step): void {
    this.#undo = [...this.#undo, step].slice(-STEPS_MAX)
  }
}

/** What `undo` names on the wire. */
export function targetOf(step: Step): string {
  if ("made" in step) return step.made
  return step.group ?? step.edits[0]!.id
}
