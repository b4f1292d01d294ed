// Back and forth in time: undo, redo, restore, history.
//
// A step that fails stays, for one to try it again. One that conflicts, or that the hub says can never be, is forgotten:
// others have built on it, and the step before it shall not stand behind it for ever.
//
// Promises: steps are taken one after the other, each under one `editId` however often it has to be asked; nothing typed
// after one was asked for goes with it.
// Must never: undo an edit that is not saved yet: it is waited for.

import type { UndoOutcome } from "../api.js"
import { HubError } from "../errors.js"
import type { Event } from "../protocol.js"
import { targetOf, UndoStack, type Step } from "../undo.js"
import { describe } from "./conflict.js"
import type { Document } from "./document.js"
import type { Questions } from "./questions.js"

/** What the hub will say again however often it is asked: what was to be undone is not kept any more, or breaks a rule. */
const NEVER: ReadonlySet<string> = new Set(["not_found", "invalid_edit", "too_large", "malformed", "unsupported"])

export interface TimeParts {
  project: string
  document: Document
  questions: Questions
  /** What waits to be sent shall go now, as it is. */
  hurry: () => void
  changed: () => void
}

export class Time {
  readonly stack = new UndoStack()
  readonly #parts: TimeParts
  /** The step under way; the next begins when it is over. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(parts: TimeParts) {
    this.#parts = parts
  }

  step(which: "undo" | "redo"): Promise<UndoOutcome> {
    const upTo = this.stack.asked(which)
    this.#parts.hurry()
    const outcome = this.#last.then(() => this.#step(which, upTo))
    this.#last = outcome.catch(() => {})
    return outcome
  }

  async restore(seq: number): Promise<{ seq: number }> {
    const { project, questions, changed } = this.#parts
    const editId = crypto.randomUUID()
    const reply = await questions.put({ type: "restore", project, seq, editId })
    this.stack.restored(editId)
    changed()
    return { seq: (reply as { seq: number }).seq }
  }

  async history(options: { before?: number; limit?: number }): Promise<{ events: Event[]; more: boolean }> {
    const reply = await this.#parts.questions.put({ type: "history", project: this.#parts.project, ...options })
    return reply.type === "history" ? { events: reply.events, more: reply.more } : { events: [], more: false }
  }

  async #step(which: "undo" | "redo", upTo: number): Promise<UndoOutcome> {
    const step = this.stack.take(which, upTo)
    this.#parts.changed()
    if (step === undefined) return { done: "nothing" }
    const saved = await this.#saved(step)
    try {
      if (typeof saved === "object") return await this.#takeBack(which, saved)
      this.stack.forget()
      if (saved === "rejected") return { done: "nothing" }
    } catch (error) {
      if (error instanceof HubError && NEVER.has(error.code)) this.stack.forget()
      else this.stack.failed()
      throw error
    } finally {
      this.#parts.changed()
    }
    return this.#step(which, upTo)
  }

  /** The step with those of its edits that were saved; without any, whether one was rejected or all came to nothing. */
  async #saved(step: Step): Promise<Step | "rejected" | "swallowed"> {
    if ("made" in step) return step
    const { edits: taken } = step
    await Promise.allSettled(taken.map(edit => edit.saved))
    const edits = step.edits.filter(edit => edit.state.status === "saved")
    if (edits.length > 0) return { ...step, edits }
    return taken.some(edit => edit.state.status === "rejected") ? "rejected" : "swallowed"
  }

  async #takeBack(which: "undo" | "redo", step: Step): Promise<UndoOutcome> {
    const { project, questions, document } = this.#parts
    const reply = await questions.put({ type: "undo", project, target: targetOf(step), editId: step.by })
    if (reply.type === "ack") {
      this.stack.done(which)
      return { done: "undone", seq: reply.seq }
    }
    this.stack.forget()
    return reply.type === "conflict"
      ? { done: "conflict", conflict: describe(reply, null, document) }
      : { done: "nothing" }
  }
}
