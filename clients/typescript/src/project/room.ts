// One project on the connection: joins it, and takes in what the hub says of it.
//
// Its life: joining → live ⇄ offline → left. Closed by the application with something unsaved, it lingers: it is joined,
// and joined again, until all of that is saved or only the application could say how.
//
// Promises: events are taken in from the first join on, without hole; what does not fit is joined for anew.
// Must never: tell the application of anything but its edits once that has closed it.

import type { ProjectState } from "../api.js"
import { jittered } from "../backoff.js"
import type { DraftEdit } from "../drafts/draft.js"
import type { Keeper } from "../drafts/keeper.js"
import { restore, type Unsaved } from "../drafts/write.js"
import type { Presence } from "../presence.js"
import type { Block, ErrorReply, Event, Events, Joined, Left, Reset, ServerMessage } from "../protocol.js"
import type { Socket } from "../socket.js"
import type { Document } from "./document.js"
import type { Pending } from "./pending.js"
import type { Questions } from "./questions.js"
import { Sending } from "./sending.js"

export interface RoomEvents {
  /** `state`, or what `facts` say, changed. */
  changed(): void
  /** The hub says that what it knows of the project beside its blocks is new. */
  informed(): void
  event(event: Event): void
  edits(): void
  /** Edits that are not to be. */
  rejected(edits: readonly Pending[]): void
  /** An edit is saved without an event of its own: it came to nothing, or became part of another. */
  swallowed(edit: Pending): void
  members(): void
  /** Closed, and nothing of it is unsaved, or nobody is let in any more to save it. */
  finished(): void
}

const CLOSED: ProjectState = { state: "left", reason: "closed" }

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
  /** Takes over what is unsaved from whoever had the project before. */
  inherit: () => Unsaved[]
  events: RoomEvents
}

/** A snapshot that comes in parts. */
interface Parts {
  epoch: string
  seq: number
  blocks: Block[]
}

export class Room {
  facts: Facts = { title: "", role: null, access: null }
  readonly sending: Sending
  readonly #parts: RoomParts
  #state: ProjectState = { state: "offline" }
  #life: "open" | "lingering" | "over" = "open"
  /** Those in the store. If it cannot tell them, or not in time, it is asked again on the next connection. */
  #drafts: "unread" | "reading" | "read" = "unread"
  #parted: Parts | null = null
  #joinAgain: ReturnType<typeof setTimeout> | undefined

  constructor(parts: RoomParts) {
    const { document, socket, keeper, random, events } = parts
    this.#parts = parts
    this.sending = new Sending({
      document,
      socket,
      keeper,
      random,
      isLive: () => this.#state.state === "live",
      joinAgain: () => this.#join("since"),
      changed: () => this.#edited(),
      rejected: events.rejected,
      swallowed: events.swallowed,
    })
  }

  /** As the application sees it: what it closed it has left. */
  get state(): ProjectState {
    return this.#life === "open" ? this.#state : CLOSED
  }

  /** The connection is open. Kept edits are read first, then the project is joined. */
  async opened(): Promise<void> {
    if (this.#state.state === "left") return
    if (this.#drafts === "unread") await this.#read()
    if (this.#drafts !== "reading") this.#join("since")
  }

  lost(): void {
    this.sending.pause()
    clearTimeout(this.#joinAgain)
    this.#parted = null
    if (this.#state.state !== "left") this.#become({ state: "offline" })
  }

  /** The application closes it; what is unsaved is sent before the hub is left. */
  close(): void {
    if (this.#life !== "open") return
    const { presence, questions } = this.#parts
    this.#life = "lingering"
    presence.forget()
    questions.refuse("closed")
    this.#quiet()
    this.#parts.events.changed()
    this.sending.close()
    this.#endIfDone()
  }

  /** Leaves; what is unsaved stays kept. */
  end(): void {
    if (this.#life === "over") return
    this.#life = "over"
    clearTimeout(this.#joinAgain)
    this.sending.end()
    // Asked, so that the answer is not taken for a word to whoever opens the project again at once.
    if (this.#state.state !== "left") this.#parts.socket.ask({ type: "leave", project: this.#parts.project }, () => {})
    this.#become(CLOSED)
  }

  take(message: ServerMessage): void {
    // What comes before this room has joined is meant for one of the same project that was left.
    if (this.#state.state === "left" || this.#state.state === "offline") return
    switch (message.type) {
      case "events":
        return this.#takeEvents(message)
      case "reset":
        return this.#snapshot(message)
      case "snapshot":
        return this.#takePart(message.blocks, message.last)
      case "left":
        return this.#left(message.reason ?? "closed")
      case "project":
        this.#learn({ title: message.title, access: message.access })
        return this.#parts.events.informed()
      case "role":
        return this.#learn({ role: message.role })
      case "error":
        return // Of a presence or a signal, which carry no id; there is nothing to be done.
      default:
    }
  }

  async #read(): Promise<void> {
    const { keeper } = this.#parts
    this.#drafts = "reading"
    this.#inherit()
    await keeper.load(drafts => this.#found(drafts))
    if (this.#drafts !== "reading") return
    this.#drafts = "unread"
    this.#endIfDone()
  }

  /** The store told what is kept: late, if the project was joined without; then it is joined again with it. */
  #found(drafts: readonly DraftEdit[]): void {
    if (this.#life === "over") return
    const isLate = this.#drafts === "unread"
    this.#drafts = "read"
    const unsaved = this.#parts.keeper.adopt(drafts)
    this.#putBack(unsaved)
    if (isLate && unsaved.length > 0) this.#join("since")
  }

  #inherit(): void {
    const unsaved = this.#parts.inherit()
    this.#parts.keeper.inherit(unsaved)
    this.#putBack(unsaved)
    const told = () => this.#edited() // It may be answered to the room that sent it last.
    for (const { handle } of unsaved) handle.saved.then(told, told)
  }

  #putBack(unsaved: readonly Unsaved[]): void {
    if (unsaved.length > 0) restore(unsaved, this.#parts.document)
    if (this.#parts.document.epoch !== null) this.#keepSent()
    this.#edited()
  }

  #join(from: "since" | "afresh"): void {
    const { socket, document, presence, project } = this.#parts
    if (socket.state.state !== "open" || this.#state.state === "left") return
    this.#parted = null
    this.#become({ state: "joining" })
    const since = from === "since" ? sinceOf(document) : {}
    socket.ask({ type: "join", project, ...since, ...presence.state }, reply => {
      if (reply?.type === "joined") this.#joined(reply)
      else if (reply?.type === "error") this.#joinRefused(reply)
    })
  }

  #joinRefused({ code, limit, retryAfterMs }: ErrorReply): void {
    const { presence, random } = this.#parts
    if (this.#state.state === "left") return
    if (code === "not_found" || code === "forbidden") return this.#left(code)
    if ((code === "too_large" && limit !== "maxProjectsPerConnection") || code === "malformed") {
      if (!presence.forget()) return this.#left("not_found")
      return this.#join("since")
    }
    clearTimeout(this.#joinAgain)
    this.#joinAgain = setTimeout(() => this.#join("since"), retryAfterMs ?? jittered(3, random))
  }

  /** The hub says that one is out of it. */
  #left(reason: NonNullable<Left["reason"]> | "not_found" | "closed"): void {
    this.sending.pause()
    this.#become({ state: "left", reason })
    this.#endIfDone()
  }

  #joined(joined: Joined): void {
    if (this.#state.state === "left") return
    const { presence, socket } = this.#parts
    if (socket.state.state === "open" && this.#life === "open")
      presence.replace(joined.members, socket.state.connection)
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
    this.#keepSent()
    this.#live()
  }

  /** Being judged by what is confirmed may have fixed some. */
  #keepSent(): void {
    for (const edit of this.#parts.document.queue) if (edit.phase.phase === "sent") this.#parts.keeper.save(edit)
  }

  /** Has everything. */
  #live(): void {
    this.#become({ state: "live" })
    this.#parts.questions.ask()
    this.sending.resume()
  }

  #takeEvents({ epoch, events }: Events): void {
    if (this.#state.state !== "live") return
    if (epoch !== this.#parts.document.epoch) return this.#join("since")
    if (this.#takeAll(events)) this.sending.edited()
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
    this.#state = state
    if (state.state !== "live") this.#quiet()
    if (state.state === "left") this.#parts.questions.refuse(state.reason)
    this.#parts.events.changed()
  }

  /** Nobody is known to be here. */
  #quiet(): void {
    this.#parts.presence.leave()
    this.#parts.events.members()
  }

  #edited(): void {
    this.#parts.events.edits()
    this.#endIfDone()
  }

  #endIfDone(): void {
    if (this.#life !== "lingering" || this.#drafts === "reading") return
    const rest = this.#state.state === "left" ? "nothing" : this.sending.rest()
    if (rest === "some") return
    this.end()
    if (rest === "nothing") this.#parts.events.finished()
  }
}

function sinceOf({ epoch, seq }: Document): { since: { epoch: string; seq: number } } | Record<never, never> {
  return epoch === null ? {} : { since: { epoch, seq } }
}
