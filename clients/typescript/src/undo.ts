// One's own edits, to take back: those of this page's life, last first.
//
// A step is taken, and stays in its place until it is known what became of it: done, it goes over to the other side;
// failed, it can be taken again; what can never be taken back is forgotten, so that the one before it is next.
//
// Promises: edits of one group are one step; a new edit forgets what could be redone, also what is being undone then.
// Must never: undo an edit that is not saved; have two steps taken at a time; take one made after that was asked for.

import type { EditHandle } from "./project/pending.js"

/** Steps that can be taken back at most; older ones are forgotten. */
const STEPS_MAX = 1_000

/** What can be taken back at once: an edit or a group of them; or what the hub made at our word, an undo or a restore. */
export type Step = ({ edits: readonly EditHandle[]; group: string | undefined } | { made: string }) & {
  /** The `editId` that takes it back, however often that is tried. */
  readonly by: string
  /** How often an undo had been asked for when it was made; 0 for what was taken back. */
  readonly age: number
}

/** The step under way, and up to which age steps were meant when it was asked for. */
interface Taken {
  readonly step: Step
  readonly upTo: number
}

export class UndoStack {
  #undo: Step[] = []
  #redo: Step[] = []
  #taken: Taken | null = null
  #age = 1

  get undoable(): boolean {
    return this.#undo.some(step => step !== this.#taken?.step)
  }

  get redoable(): boolean {
    return this.#redo.some(step => step !== this.#taken?.step)
  }

  /** A new edit was made; coalesced ones come once. */
  made(edit: EditHandle, group: string | undefined): void {
    this.#redo = []
    const last = this.#undo.at(-1)
    const isMore = last?.age === this.#age && "edits" in last && last.group === group
    if (isMore && group !== undefined) last.edits = [...last.edits, edit]
    else this.#push({ group, edits: [edit], by: crypto.randomUUID(), age: this.#age })
  }

  /** A restore was made, which can be taken back like an edit. */
  restored(editId: string): void {
    this.#redo = []
    this.#push({ made: editId, by: crypto.randomUUID(), age: this.#age })
  }

  /** There is nothing of an edit to take back: it was rejected, came to nothing, or became part of another. */
  lost(edit: EditHandle): void {
    for (const step of this.#undo) if ("edits" in step) step.edits = step.edits.filter(each => each !== edit)
    this.#undo = this.#undo.filter(step => !("edits" in step) || step.edits.length > 0)
  }

  /** A step is asked for, to be taken in its turn. Answers its `upTo`: an undo does not mean what is made from now on. */
  asked(which: "undo" | "redo"): number {
    return which === "undo" ? this.#age++ : this.#age
  }

  take(which: "undo" | "redo", upTo: number): Step | undefined {
    const step = (which === "undo" ? this.#undo : this.#redo).findLast(each => each.age <= upTo)
    this.#taken = step === undefined ? null : { step, upTo }
    return step
  }

  /** The step was taken back, by an edit that can be taken back in turn, unless something new forbids the redo. */
  done(which: "undo" | "redo"): void {
    if (this.#taken === null) return
    const { step, upTo } = this.#taken
    this.forget()
    const back: Step = { made: step.by, by: crypto.randomUUID(), age: 0 }
    if (which === "redo") this.#push(back)
    else if (this.#undo.every(each => each.age <= upTo)) this.#redo.push(back)
  }

  /** The step was not taken back, and may be taken again. */
  failed(): void {
    this.#taken = null
  }

  /** The step can never be taken back. */
  forget(): void {
    const stays = (step: Step) => step !== this.#taken?.step
    this.#undo = this.#undo.filter(stays)
    this.#redo = this.#redo.filter(stays)
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
