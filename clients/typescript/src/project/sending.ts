// A project's edits on their way to the hub: which may go and when, again after a loss or a "not now", and what becomes
// of each answer.
//
// What is unanswered when the connection goes is sent again, unchanged and in order, after the next `joined` ([ED13]);
// what was never sent follows. Once the application has closed the project there is nobody to decide anything: what the
// hub does not simply accept is put aside, and stays kept for whoever opens the project again.
//
// Promises: one unanswered edit per block ([ED3]); an edit is stored before it is sent, but for the last ones at `end`;
// none goes before the time that the hub asked for.
// Must never: drop an edit that the hub has not answered.

import type { ConflictHandler, Settlement } from "../api.js"
import { jittered } from "../backoff.js"
import type { Keeper } from "../drafts/keeper.js"
import type { ConflictReply, EditMessage, ErrorReply, ServerMessage } from "../protocol.js"
import type { Socket } from "../socket.js"
import { independent } from "./clash.js"
import { describe, settle } from "./conflict.js"
import type { Document } from "./document.js"
import { AT_ONCE, type Pending } from "./pending.js"

/** Edits under way at once; what is beyond waits. */
const UNDER_WAY_MAX = 32

export interface SendingParts {
  document: Document
  socket: Socket
  keeper: Keeper
  random: () => number
  /** Whether the project is joined, so that edits may go. */
  isLive: () => boolean
  /** The hub says that it is not. */
  joinAgain: () => void
  /** What is unsaved changed. */
  changed: () => void
  /** Edits that are not to be. */
  rejected: (edits: readonly Pending[]) => void
  /** An edit is saved without an event of its own: it came to nothing, or became part of another. */
  swallowed: (edit: Pending) => void
}

/** `closed`: the application is gone; `ended`: nothing goes any more, but answers still come. */
type Life = { is: "open" } | { is: "closed"; aside: Set<Pending> } | { is: "ended" }

export class Sending {
  handler: ConflictHandler | null = null
  readonly #parts: SendingParts
  #life: Life = { is: "open" }
  /** The edits on the wire since the last `joined`. */
  #onWire = new Set<Pending>()
  /** How often an edit was put off in a row. */
  #putOff = new Map<Pending, number>()
  #holdUntil = 0
  #flushAt: ReturnType<typeof setTimeout> | undefined
  /** One for each edit that was put off. */
  readonly #sendAgain = new Set<ReturnType<typeof setTimeout>>()

  constructor(parts: SendingParts) {
    this.#parts = parts
  }

  /** A new edit, or more of one that waits. */
  submit(edit: Pending): void {
    const { document, keeper } = this.#parts
    for (const earlier of document.queue) {
      if (earlier !== edit && earlier.phase.phase === "waiting" && edit.dependsOn(earlier)) earlier.phase.from = AT_ONCE
    }
    keeper.save(edit)
    this.#flush()
  }

  /** What waits for its time goes now, and nothing joins it any more. */
  hurry(): void {
    for (const edit of this.#parts.document.queue) if (edit.phase.phase === "waiting") edit.phase.from = AT_ONCE
    this.#flush()
  }

  /** The project is joined: what is unanswered is sent again, then what waits. */
  resume(): void {
    this.#onWire = new Set()
    for (const edit of [...this.#parts.document.queue])
      if (edit.phase.phase === "sent" && !this.#isAside(edit)) this.#sendOrEnd(edit, edit.phase.message)
    this.edited()
  }

  /** The queue changed: the store follows, and what can go goes. */
  edited(): void {
    const { document, keeper, changed } = this.#parts
    keeper.keepOnly(this.#life.is === "open" ? document.queue : this.#unsaved())
    for (const edit of this.#putOff.keys()) if (!document.queue.includes(edit)) this.#putOff.delete(edit)
    changed()
    this.#flush()
  }

  /** The connection is lost: no timer is of use any more. */
  pause(): void {
    clearTimeout(this.#flushAt)
    for (const timer of this.#sendAgain) clearTimeout(timer)
    this.#sendAgain.clear()
  }

  /** The application is gone: what can be saved without it goes at once. */
  close(): void {
    if (this.#life.is !== "open") return
    const asked = this.#parts.document.queue.filter(edit => edit.phase.phase === "asking")
    for (const edit of asked) if (edit.phase.phase === "asking") edit.phase = { ...edit.phase, phase: "sent" }
    this.#life = { is: "closed", aside: new Set(asked) }
    this.#parts.keeper.keepOnly(this.#unsaved())
    this.hurry()
  }

  /** What is left: nothing unsaved, only what was put aside and what waits behind it, or what can still be saved. */
  rest(): "nothing" | "aside" | "some" {
    if (this.#unsaved().length === 0) return "nothing"
    return independent(this.#parts.document.queue).every(edit => this.#isAside(edit)) ? "aside" : "some"
  }

  /** Nothing goes any more, but what can at once; that does not wait for the store, which keeps it at the same time. */
  end(): void {
    this.close()
    this.pause()
    if (this.#parts.isLive() && Date.now() >= this.#holdUntil) this.#sendLast()
    this.#life = { is: "ended" }
    this.#parts.keeper.keepOnly(this.#unsaved())
  }

  /** The largest edit that was under way, and its bytes: the hub closed the socket over a frame that is too large. */
  largest(): { edit: Pending; bytes: number } | null {
    const sizes = [...this.#onWire].flatMap(edit =>
      edit.phase.phase === "sent" ? [{ edit, bytes: sizeOf(edit.phase.message) }] : [],
    )
    return sizes.sort((one, other) => other.bytes - one.bytes)[0] ?? null
  }

  /** It is not sent again. */
  giveUp(edit: Pending): void {
    this.#reject(edit, "too_large", "The edit is larger than the hub takes.")
  }

  #unsaved(): Pending[] {
    return this.#parts.document.queue.filter(edit => edit.handle.state.status === "pending")
  }

  #isAside(edit: Pending): boolean {
    return this.#life.is === "closed" && this.#life.aside.has(edit)
  }

  #flush(): void {
    clearTimeout(this.#flushAt)
    if (!this.#parts.isLive()) return
    const { document } = this.#parts
    const now = Date.now()
    let underWay = document.queue.filter(edit => edit.phase.phase === "sent" && !this.#isAside(edit)).length
    let next = Infinity
    for (const edit of independent(document.queue)) {
      if (edit.phase.phase !== "waiting") continue
      const from = Math.max(edit.phase.from, this.#holdUntil)
      if (from > now) next = Math.min(next, from)
      else if (underWay < UNDER_WAY_MAX && this.#dispatch(edit) === "sent") underWay++
    }
    if (next < Infinity) this.#flushAt = setTimeout(() => this.#flush(), next - now)
  }

  /** Fixes an edit and sends it. */
  #dispatch(edit: Pending): "sent" | "over" {
    const message = this.#parts.document.fix(edit)
    if (message.ops.length > 0) this.#parts.keeper.save(edit)
    return this.#sendOrEnd(edit, message)
  }

  /** An edit that has become empty is over, and so is one that the hub would not take. */
  #sendOrEnd(edit: Pending, message: EditMessage): "sent" | "over" {
    if (message.ops.length === 0) this.#swallow(edit)
    else if (this.#isTooLarge(message)) this.giveUp(edit)
    else {
      void this.#send(edit)
      return "sent"
    }
    return "over"
  }

  #isTooLarge(message: EditMessage): boolean {
    return sizeOf(message) > (this.#parts.socket.limits?.maxEditBytes ?? Infinity)
  }

  /** Once it is stored, if it still is to be sent and has not been sent since the last `joined`. */
  async #send(edit: Pending): Promise<void> {
    const wire = this.#onWire
    await this.#parts.keeper.stored(edit)
    if (!this.#parts.isLive() || wire !== this.#onWire || wire.has(edit) || edit.phase.phase !== "sent") return
    if (!this.#parts.document.queue.includes(edit)) return
    const holdMs = this.#holdUntil - Date.now()
    if (holdMs > 0) this.#sendIn(edit, holdMs)
    else this.#put(edit, edit.phase.message)
  }

  #put(edit: Pending, message: EditMessage): void {
    this.#onWire.add(edit)
    this.#parts.socket.ask(message, reply => reply !== null && this.#answered(edit, reply))
  }

  #sendLast(): void {
    const { document, keeper } = this.#parts
    for (const edit of independent(document.queue).slice(0, UNDER_WAY_MAX)) {
      if (edit.phase.phase === "waiting") {
        document.fix(edit)
        keeper.save(edit)
      }
      if (edit.phase.phase !== "sent" || this.#onWire.has(edit) || this.#isAside(edit)) continue
      const { message } = edit.phase
      if (message.ops.length > 0 && !this.#isTooLarge(message)) this.#put(edit, message)
    }
  }

  #answered(edit: Pending, reply: ServerMessage): void {
    this.#onWire.delete(edit)
    if (!this.#parts.document.queue.includes(edit)) return
    if (reply.type === "ack") this.#over(() => this.#parts.document.ack(edit, reply.seq))
    else if (this.#life.is === "ended") return // It stays kept: whoever opens the project again is asked, or told.
    else if (reply.type === "conflict") void this.#settle(edit, reply)
    else if (reply.type === "error") this.#refused(edit, reply)
  }

  #over(act: () => void): void {
    act()
    queueMicrotask(() => this.edited())
  }

  #swallow(edit: Pending): void {
    const { document, swallowed } = this.#parts
    this.#over(() => document.ack(edit, document.seq))
    swallowed(edit)
  }

  #refused(edit: Pending, { code, message, retryAfterMs }: ErrorReply): void {
    switch (code) {
      case "unauthenticated":
        return // The hub closes; it is sent again on the next connection.
      case "not_joined":
        return this.#parts.joinAgain()
      case "rate_limited":
      case "busy":
      case "draining":
      case "internal":
        return this.#sendLater(edit, retryAfterMs)
      default:
        this.#reject(edit, code, message)
    }
  }

  /** The same again, after the time that the hub named or one that grows. */
  #sendLater(edit: Pending, retryAfterMs: number | undefined): void {
    const times = (this.#putOff.get(edit) ?? 0) + 1
    this.#putOff.set(edit, times)
    if (retryAfterMs !== undefined) this.#holdUntil = Math.max(this.#holdUntil, Date.now() + retryAfterMs)
    this.#sendIn(edit, retryAfterMs ?? 100 + jittered(times, this.#parts.random))
  }

  #sendIn(edit: Pending, ms: number): void {
    const wire = this.#onWire
    const timer = setTimeout(() => {
      this.#sendAgain.delete(timer)
      if (wire === this.#onWire) void this.#send(edit)
    }, ms)
    this.#sendAgain.add(timer)
  }

  #reject(edit: Pending, code: string, message: string): void {
    if (this.#life.is === "open")
      return this.#over(() => this.#parts.rejected(this.#parts.document.reject(edit, code, message)))
    this.#putAside(edit)
  }

  #putAside(edit: Pending): void {
    if (this.#life.is === "closed") this.#life.aside.add(edit)
    this.#over(() => {})
  }

  async #settle(edit: Pending, reply: ConflictReply): Promise<void> {
    if (edit.phase.phase !== "sent") return
    if (this.#life.is !== "open") return this.#putAside(edit)
    const sent = edit.phase
    edit.phase = { ...sent, phase: "asking" }
    const { document, keeper, swallowed } = this.#parts
    const { epoch } = document
    const settlement = await this.#settlement(edit, reply)
    if (this.#life.is !== "open") return // It was put aside meanwhile.
    if (epoch !== document.epoch) {
      edit.phase = sent // What was decided is about a log that is gone: the hub judges it anew.
      return this.#send(edit)
    }
    if (settlement.keep === "theirs" || settle(edit, reply, settlement, document) === "nothing") {
      return this.#reject(edit, "conflict", "Somebody else changed the same; theirs was kept.")
    }
    for (const absorbed of document.absorb(edit)) swallowed(absorbed)
    document.redo()
    keeper.save(edit)
    this.edited()
  }

  async #settlement(edit: Pending, reply: ConflictReply): Promise<Settlement> {
    try {
      return (await this.handler?.(describe(reply, edit, this.#parts.document))) ?? { keep: "theirs" }
    } catch {
      return { keep: "theirs" }
    }
  }
}

/** Bytes of JSON. */
function sizeOf(message: EditMessage): number {
  return new TextEncoder().encode(JSON.stringify(message)).length
}
