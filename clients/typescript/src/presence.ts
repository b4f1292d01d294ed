// Who is here, and what one says of oneself.
//
// Promises: `members` is a new list exactly when somebody came, went or changed; the last state set is the one sent.
// Must never: send more often than every `THROTTLE_MS`.

import type { Member } from "./api.js"
import type { Json, MemberView } from "./protocol.js"

/** The hub tells a room no faster. */
const THROTTLE_MS = 50

export class Presence {
  members: readonly Member[] = []
  readonly #send: (state: Json) => void
  #state: { set: Json } | null = null
  /** Ticking since the last time something was sent; holds what came since. */
  #pause: { timer: ReturnType<typeof setTimeout>; next: Json | undefined } | null = null

  constructor(send: (state: Json) => void) {
    this.#send = send
  }

  /** What `join` says of oneself. */
  get state(): { presence: Json } | Record<never, never> {
    return this.#state === null ? {} : { presence: this.#state.set }
  }

  set(state: Json): void {
    this.#state = { set: state }
    if (this.#pause !== null) this.#pause.next = state
    else this.#sendNow(state)
  }

  /** Everybody who is here, oneself under `connection`. */
  replace(views: readonly MemberView[], connection: string): void {
    this.members = views.map(view => member(view, connection))
  }

  take(updates: readonly MemberView[], connection: string): void {
    const members = new Map(this.members.map(each => [each.connection, each]))
    for (const update of updates) {
      if (update.left === true) members.delete(update.connection)
      else members.set(update.connection, member(update, connection))
    }
    this.members = [...members.values()]
  }

  /** Not joined any more: nobody is known to be here. What one said of oneself is said again at the next join. */
  leave(): void {
    clearTimeout(this.#pause?.timer)
    this.#pause = null
    if (this.members.length > 0) this.members = []
  }

  /** The hub does not take what one said of oneself: the next join goes without it. Whether there was anything. */
  forget(): boolean {
    const had = this.#state !== null
    this.#state = null
    return had
  }

  #sendNow(state: Json): void {
    this.#send(state)
    this.#pause = { timer: setTimeout(() => this.#resume(), THROTTLE_MS), next: undefined }
  }

  #resume(): void {
    const next = this.#pause?.next
    this.#pause = null
    if (next !== undefined) this.#sendNow(next)
  }
}

export function member(view: MemberView, self: string): Member {
  const { connection, user, state } = view
  return { connection, user: user ?? { id: "" }, self: connection === self, ...(state === undefined ? {} : { state }) }
}
