// One project on the connection: joins, takes in what the hub says, sends edits and deals with the answers.
//
// Its life: joining → live ⇄ offline → left. What is unanswered when the connection goes is sent again, unchanged and
// in order, after the next `joined` ([ED13]); what was never sent follows.
//
// Promises: one unanswered edit per block ([ED3]); an edit is stored before it is sent, but for the last ones at `close`.
// Must never: drop an edit that the hub has not answered.

import type { ConflictHandler, ProjectState, Settlement } from "../api.js"
import { jittered } from "../backoff.js"
import type { Keeper } from "../drafts/keeper.js"
import { restore } from "../drafts/write.js"
import type { Presence } from "../presence.js"
import type {
  Block,
  ConflictReply,
  EditMessage,
  ErrorReply,
  Event,
  Events,
  Joined,
  Reset,
  ServerMessage,
} from "../protocol.js"
import type { Socket } from "../socket.js"
import { independent } from "./clash.js"
import { describe, settle } from "./conflict.js"
import type { Document } from "./document.js"
import type { Pending } from "./pending.js"
import type { Questions } from "./questions.js"

/** Edits under way at once; what is beyond waits. */
const UNDER_WAY_MAX = 32

export interface RoomEvents {
  /** `state`, or what `facts` say, changed. */
  changed(): void
  event(event: Event): void
  edits(): void
  /** Edits that are not to be. */
  rejected(edits: readonly Pending[]): void
  /** An edit is saved without an event of its own: it came to nothing, or became part of another. */
  swallowed(edit: Pending): void
  members(): void
}

/** What the hub said of the project itself. */
export interface Facts {
  title: string
  role: Joined["role"] | null
  access: "none" | "viewer" | "editor" | null
}

export interface RoomParts {
  project: string
  document: Document
  socket: Socket
  keeper: Keeper
  presence: Presence
  questions: Questions
  random: () => number
  events: RoomEvents
}

/** A snapshot that comes in parts. */
interface Parts {
  epoch: string
  seq: number
  blocks: Block[]
}

export class Room {
  state: ProjectState = { state: "offline" }
  facts: Facts = { title: "", role: null, access: null }
  handler: ConflictHandler | null = null
  readonly #parts: RoomParts
  #drafts: "unread" | "reading" | "read" = "unread"
  #parted: Parts | null = null
  /** The edits on the wire since the last `joined`. */
  #onWire = new Set<Pending>()
  /** How often an edit was put off in a row. */
  #putOff = new Map<Pending, number>()
  #holdUntil = 0
  #flushAt: ReturnType<typeof setTimeout> | undefined
  #joinAgain: ReturnType<typeof setTimeout> | undefined
  /** One for each edit that was put off. */
  readonly #sendAgain = new Set<ReturnType<typeof setTimeout>>()

  constructor(parts: RoomParts) {
    this.#parts = parts
  }

  /** The connection is open. Kept edits are read first, then the project is joined. */
  async opened(): Promise<void> {
    if (this.state.state === "left") return
    if (this.#drafts === "unread") {
      this.#drafts = "reading"
      const drafts = await this.#parts.keeper.load()
      restore(drafts, this.#parts.document)
      this.#drafts = "read"
      this.#parts.events.edits()
    }
    if (this.#drafts === "read") this.#join("since")
  }

  lost(): void {
    this.#stopTimers()
    this.#parted = null
    if (this.state.state !== "left") this.#become({ state: "offline" })
  }

  /** Leaves; what can be sent goes before that, and what is unsaved then stays kept. */
  close(): void {
    this.#stopTimers()
    if (this.state.state === "live" && Date.now() >= this.#holdUntil) this.#sendLast()
    // Asked, so that the answer is not taken for a word to whoever opens the project again at once.
    if (this.state.state !== "left") this.#parts.socket.ask({ type: "leave", project: this.#parts.project }, () => {})
    this.#become({ state: "left", reason: "closed" })
  }

  /** A new edit, or more of one that waits. */
  submit(edit: Pending): void {
    const { document, keeper } = this.#parts
    for (const earlier of document.queue) {
      if (earlier !== edit && earlier.phase.phase === "waiting" && edit.dependsOn(earlier)) earlier.phase.from = 0
    }
    keeper.save(edit)
    this.#flush()
  }

  /** What waits for its time goes now. */
  hurry(): void {
    for (const edit of this.#parts.document.queue) if (edit.phase.phase === "waiting") edit.phase.from = 0
    this.#flush()
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

  take(message: ServerMessage): void {
    switch (message.type) {
      case "events":
        return this.#takeEvents(message)
      case "reset":
        return this.#snapshot(message)
      case "snapshot":
        return this.#takePart(message.blocks, message.last)
      case "left":
        return this.#become({ state: "left", reason: message.reason ?? "closed" })
      case "project":
        return this.#learn({ title: message.title, access: message.access })
      case "role":
        return this.#learn({ role: message.role })
      case "error":
        return // Of a presence or a signal, which carry no id; there is nothing to be done.
      default:
    }
  }

  #join(from: "since" | "afresh"): void {
    const { socket, document, presence, project } = this.#parts
    if (socket.state.state !== "open" || this.state.state === "left") return
    this.#parted = null
    this.#become({ state: "joining" })
    const since = from === "since" ? sinceOf(document) : {}
    socket.ask({ type: "join", project, ...since, ...presence.state }, reply => {
      if (reply?.type === "joined") this.#joined(reply)
      else if (reply?.type === "error") this.#joinRefused(reply)
    })
  }

  #joinRefused({ code, retryAfterMs }: ErrorReply): void {
    const { presence, random } = this.#parts
    if (this.state.state === "left") return
    if (code === "not_found" || code === "forbidden") return this.#become({ state: "left", reason: code })
    if (code === "too_large" || code === "malformed") {
      if (!presence.forget()) return this.#become({ state: "left", reason: "not_found" })
      return this.#join("since")
    }
    clearTimeout(this.#joinAgain)
    this.#joinAgain = setTimeout(() => this.#join("since"), retryAfterMs ?? jittered(3, random))
  }

  #joined(joined: Joined): void {
    if (this.state.state === "left") return
    const { presence, socket } = this.#parts
    if (socket.state.state === "open") presence.replace(joined.members, socket.state.connection)
    this.#parts.events.members()
    this.#learn({ title: joined.title, role: joined.role })
    if (!joined.recovered) return this.#snapshot({ ...joined, blocks: joined.blocks ?? [], more: joined.more === true })
    if (this.#takeAll(joined.events ?? [])) this.#live()
  }

  #snapshot({ epoch, seq, blocks, more }: Pick<Reset, "epoch" | "seq" | "blocks" | "more">): void {
    this.#parted = { epoch, seq, blocks: [] }
    this.#takePart(blocks, !more)
  }

  #takePart(blocks: readonly Block[], last: boolean): void {
    if (this.#parted === null) return
    this.#parted.blocks.push(...blocks)
    if (!last) return
    const { epoch, seq, blocks: all } = this.#parted
    this.#parted = null
    this.#parts.document.install(epoch, seq, all)
    for (const edit of this.#parts.document.queue) if (edit.phase.phase === "sent") this.#parts.keeper.save(edit)
    this.#live()
  }

  /** Has everything: what is unanswered is sent again, then what waits. */
  #live(): void {
    this.#become({ state: "live" })
    this.#onWire = new Set()
    for (const edit of [...this.#parts.document.queue])
      if (edit.phase.phase === "sent") this.#sendOrEnd(edit, edit.phase.message)
    this.#parts.questions.ask()
    this.#edited()
  }

  #takeEvents({ epoch, events }: Events): void {
    if (this.state.state !== "live") return
    if (epoch !== this.#parts.document.epoch) return this.#join("since")
    if (this.#takeAll(events)) this.#edited()
  }

  /** Whether they fit; if not, the project is joined afresh. */
  #takeAll(events: readonly Event[]): boolean {
    const { document, keeper } = this.#parts
    try {
      for (const event of events) {
        if (document.take(event) === "taken") this.#parts.events.event(event)
      }
      return true
    } catch {
      this.#join("afresh")
      return false
    } finally {
      for (const edit of document.moved()) keeper.save(edit)
      this.#parts.events.changed()
    }
  }

  #learn(facts: Partial<Facts>): void {
    this.facts = { ...this.facts, ...facts }
    this.#parts.events.changed()
  }

  #become(state: ProjectState): void {
    this.state = state
    if (state.state !== "live") {
      this.#parts.presence.leave()
      this.#parts.events.members()
    }
    if (state.state === "left") this.#parts.questions.refuse(state.reason)
    this.#parts.events.changed()
  }

  /** The queue changed: the store follows, and what can go goes. */
  #edited(): void {
    const { document, keeper, events } = this.#parts
    keeper.keepOnly(document.queue)
    for (const edit of this.#putOff.keys()) if (!document.queue.includes(edit)) this.#putOff.delete(edit)
    events.edits()
    this.#flush()
  }

  #flush(): void {
    clearTimeout(this.#flushAt)
    if (this.state.state !== "live") return
    const { document } = this.#parts
    const now = Date.now()
    let underWay = document.queue.filter(edit => edit.phase.phase === "sent").length
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
    const { socket } = this.#parts
    if (message.ops.length === 0) this.#end(edit)
    else if (sizeOf(message) > (socket.limits?.maxEditBytes ?? Infinity)) this.giveUp(edit)
    else {
      void this.#send(edit)
      return "sent"
    }
    return "over"
  }

  /** Sends what would go soon, now: nobody waits for the store any more, which keeps it at the same time. */
  #sendLast(): void {
    const { document, keeper, socket } = this.#parts
    for (const edit of independent(document.queue).slice(0, UNDER_WAY_MAX)) {
      if (edit.phase.phase === "waiting") {
        document.fix(edit)
        keeper.save(edit)
      }
      if (edit.phase.phase !== "sent" || this.#onWire.has(edit) || edit.phase.message.ops.length === 0) continue
      if (sizeOf(edit.phase.message) > (socket.limits?.maxEditBytes ?? Infinity)) continue
      this.#onWire.add(edit)
      socket.ask(edit.phase.message, reply => reply !== null && this.#answered(edit, reply))
    }
  }

  #end(edit: Pending): void {
    const { document, events } = this.#parts
    this.#over(() => document.ack(edit, document.seq))
    events.swallowed(edit)
  }

  /** Once it is stored, if it still is to be sent and has not been sent since the last `joined`. */
  async #send(edit: Pending): Promise<void> {
    const wire = this.#onWire
    await this.#parts.keeper.stored(edit)
    if (this.state.state !== "live" || wire !== this.#onWire || wire.has(edit) || edit.phase.phase !== "sent") return
    if (!this.#parts.document.queue.includes(edit)) return
    wire.add(edit)
    this.#parts.socket.ask(edit.phase.message, reply => reply !== null && this.#answered(edit, reply))
  }

  #answered(edit: Pending, reply: ServerMessage): void {
    this.#onWire.delete(edit)
    if (!this.#parts.document.queue.includes(edit)) return
    if (reply.type === "ack") this.#over(() => this.#parts.document.ack(edit, reply.seq))
    else if (this.state.state === "left") return // It stays kept: whoever opens the project again is asked, or told.
    else if (reply.type === "conflict") void this.#settle(edit, reply)
    else if (reply.type === "error") this.#refused(edit, reply)
  }

  #over(act: () => void): void {
    act()
    queueMicrotask(() => this.#edited())
  }

  #refused(edit: Pending, { code, message, retryAfterMs }: ErrorReply): void {
    switch (code) {
      case "unauthenticated":
        return // The hub closes; it is sent again on the next connection.
      case "not_joined":
        return this.#join("since")
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
    const inMs = retryAfterMs ?? 100 + jittered(times, this.#parts.random)
    if (retryAfterMs !== undefined) this.#holdUntil = Math.max(this.#holdUntil, Date.now() + retryAfterMs)
    const wire = this.#onWire
    const timer = setTimeout(() => {
      this.#sendAgain.delete(timer)
      if (wire === this.#onWire) void this.#send(edit)
    }, inMs)
    this.#sendAgain.add(timer)
  }

  #reject(edit: Pending, code: string, message: string): void {
    this.#over(() => this.#parts.events.rejected(this.#parts.document.reject(edit, code, message)))
  }

  async #settle(edit: Pending, reply: ConflictReply): Promise<void> {
    if (edit.phase.phase !== "sent") return
    edit.phase = { ...edit.phase, phase: "asking" }
    const { document, keeper } = this.#parts
    const settlement = await this.#settlement(edit, reply)
    if (settlement.keep === "theirs" || settle(edit, reply, settlement, document) === "nothing") {
      return this.#reject(edit, "conflict", "Somebody else changed the same; theirs was kept.")
    }
    for (const absorbed of document.absorb(edit)) this.#parts.events.swallowed(absorbed)
    document.redo()
    keeper.save(edit)
    this.#edited()
  }

  async #settlement(edit: Pending, reply: ConflictReply): Promise<Settlement> {
    try {
      return (await this.handler?.(describe(reply, edit, this.#parts.document))) ?? { keep: "theirs" }
    } catch {
      return { keep: "theirs" }
    }
  }

  #stopTimers(): void {
    clearTimeout(this.#flushAt)
    clearTimeout(this.#joinAgain)
    for (const timer of this.#sendAgain) clearTimeout(timer)
    this.#sendAgain.clear()
  }
}

/** Bytes of JSON. */
function sizeOf(message: EditMessage): number {
  return new TextEncoder().encode(JSON.stringify(message)).length
}

function sinceOf({ epoch, seq }: Document): { since: { epoch: string; seq: number } } | Record<never, never> {
  return epoch === null ? {} : { since: { epoch, seq } }
}
