// The connection to the hub, through all its sockets: connects, says hello, refreshes tokens, notices when nobody is
// there any more, and connects again.
//
// Promises: what is asked is answered once: by the reply to its id, or by null when the socket is gone. Messages come in
// the order in which the hub sent them, and only between `opened` and `lost`.
// Must never: send anything before `welcome` but `hello`; hold two sockets; connect before the time that the hub asked for.

import type { ConnectionState } from "./api.js"
import { afterClose } from "./backoff.js"
import type { ClientMessage, ErrorReply, Limits, ServerMessage, User, Welcome } from "./protocol.js"

/** The part of the WebSocket interface that is used. */
export interface WebSocketLike {
  onopen: ((event: never) => void) | null
  onmessage: ((event: never) => void) | null
  onclose: ((event: never) => void) | null
  onerror: ((event: never) => void) | null
  send(text: string): void
  close(code?: number, reason?: string): void
}
export type WebSocketClass = new (url: string, protocols: string[]) => WebSocketLike

export interface SocketOptions {
  url: string
  token: (() => string | Promise<string>) | undefined
  user: User | undefined
  webSocket: WebSocketClass
  random: () => number
}

export interface SocketEvents {
  changed(): void
  opened(): void
  lost(): void
  message(message: ServerMessage): void
  /** The hub closed the socket because of a frame that is too large (1009); told after `lost`. */
  tooLarge(): void
}

/** A reply; null if the socket was lost before it came. */
export type Answer = (reply: ServerMessage | null) => void

/** From the first step to `welcome`. */
const WELCOME_WITHIN_MS = 15_000
/** A connection that lasted this long ends a row of failures. */
const STABLE_MS = 5_000
/** How long the hub may take to close a socket that it drains, beyond the time it named. */
const DRAIN_GRACE_MS = 15_000
const REFRESH_AGAIN_MS = 5_000
const REFRESHES_MAX = 5

interface Line {
  socket: WebSocketLike | null
  welcome: Welcome | null
  openedAt: number
  heardAt: number
  retryAfterMs: number | undefined
  refreshedAt: number
  readonly asked: Map<string, Answer>
  readonly timers: Set<ReturnType<typeof setTimeout>>
}

export class Socket {
  state: ConnectionState = { state: "connecting" }
  readonly #options: SocketOptions
  readonly #events: SocketEvents
  #line: Line | null = null
  #wait: ReturnType<typeof setTimeout> | undefined
  /** The hub asked not to be connected to before; ms since 1970. */
  #notBefore = 0
  #failures = 0
  #session: string | undefined
  #asked = 0

  constructor(options: SocketOptions, events: SocketEvents) {
    this.#options = options
    this.#events = events
  }

  get limits(): Limits | null {
    return this.#line?.welcome?.limits ?? null
  }

  /** Begins, or does not wait any longer than the hub asked for. */
  connect(): void {
    if (this.#line !== null) return
    clearTimeout(this.#wait)
    // Set anew: a machine that slept has not run the timer meanwhile.
    if (Date.now() < this.#notBefore) return this.#connectIn(this.#notBefore - Date.now())
    const line: Line = {
      socket: null,
      welcome: null,
      openedAt: 0,
      heardAt: 0,
      retryAfterMs: undefined,
      refreshedAt: 0,
      asked: new Map(),
      timers: new Set(),
    }
    this.#line = line
    this.#become({ state: "connecting" })
    this.#after(line, WELCOME_WITHIN_MS, () => line.welcome ?? this.#gone(line, 1006, "The hub did not answer."))
    void this.#open(line)
  }

  /** Ends it for good. */
  close(): void {
    clearTimeout(this.#wait)
    const line = this.#line
    if (line !== null) this.#drop(line)
    line?.socket?.close(1000)
    this.#become({ state: "closed", why: "It was closed here." })
  }

  /** The machine woke up, or the network came back: whoever is there answers, and a wait is over. */
  wake(): void {
    if (this.state.state === "waiting") this.connect()
    else if (this.#line?.welcome) this.#probe(this.#line)
  }

  /** Whether it went out; it does not while there is no connection, or if it is larger than the hub takes. */
  send(message: ClientMessage): boolean {
    const line = this.#line
    if (line === null || line.welcome === null) return false
    return this.#write(line, message)
  }

  /** Sends under a new id; the reply goes to `answer`, before anything that the hub sent after it. */
  ask(message: ClientMessage, answer: Answer): void {
    const line = this.#line
    if (line === null || line.welcome === null) return answer(null)
    const id = `c${++this.#asked}`
    line.asked.set(id, answer)
    if (this.#write(line, { ...message, id })) return
    line.asked.delete(id)
    answer({
      type: "error",
      requestId: "",
      code: "too_large",
      message: "The message is larger than the hub takes.",
      limit: "maxMessageBytes",
    })
  }

  async #open(line: Line): Promise<void> {
    const token = await this.#token(line)
    if (this.#line !== line || token === null) return
    let socket: WebSocketLike
    try {
      socket = new this.#options.webSocket(`${this.#options.url.replace(/^http/, "ws")}/ws`, ["blockhub.v1"])
    } catch (error) {
      return this.#gone(line, 1006, String(error))
    }
    line.socket = socket
    const { user } = this.#options
    const hello = {
      type: "hello",
      ...(token === undefined ? {} : { token }),
      ...(user === undefined ? {} : { user }),
      ...(this.#session === undefined ? {} : { session: this.#session }),
    } as const
    socket.onopen = () => this.#write(line, { ...hello, id: "hello" })
    socket.onmessage = (event: { data: unknown }) => this.#hear(line, event.data)
    socket.onclose = (event: { code: number; reason?: string }) =>
      this.#gone(line, event.code, event.reason || "The connection was lost.")
    socket.onerror = () => {} // `onclose` follows.
  }

  /** Undefined: none is needed; null: none is to be had, and the line is over. */
  async #token(line: Line): Promise<string | undefined | null> {
    if (this.#options.token === undefined) return undefined
    try {
      const token = await this.#options.token()
      if (token) return token
      if (this.#line === line) this.#stop(line, "There is no token.")
    } catch (error) {
      this.#gone(line, 1006, `There is no token: ${(error as Error).message}`)
    }
    return null
  }

  #write(line: Line, message: ClientMessage): boolean {
    const text = JSON.stringify(message)
    const max = line.welcome?.limits.maxMessageBytes ?? Infinity
    if (text.length * 3 > max && new TextEncoder().encode(text).length > max) return false
    line.socket?.send(text)
    return true
  }

  #hear(line: Line, data: unknown): void {
    if (this.#line !== line || typeof data !== "string") return
    line.heardAt = Date.now()
    const message = parsed(data)
    if (message === null) return this.#gone(line, 1006, "The hub said what is no message.")
    if (message.type === "error") line.retryAfterMs = message.retryAfterMs
    if (line.welcome === null) return this.#greeted(line, message)
    const answer = "id" in message && message.id !== undefined ? line.asked.get(message.id) : undefined
    if (answer !== undefined) {
      line.asked.delete((message as { id: string }).id)
      return answer(message)
    }
    if (message.type === "tokenExpiring") this.#refreshSoon(line)
    else if (message.type === "draining")
      this.#after(line, message.reconnectInMs + DRAIN_GRACE_MS, () => this.#gone(line, 1012, "The hub restarts."))
    else this.#events.message(message)
  }

  #greeted(line: Line, message: ServerMessage): void {
    if (message.type === "error") return this.#refused(line, message)
    if (message.type !== "welcome") return
    line.welcome = message
    line.openedAt = Date.now()
    this.#session = message.session
    const { connection, session, hub, user, limits } = message
    this.#watch(line, limits)
    this.#become({ state: "open", connection, session, hub, user, limits })
    this.#events.opened()
  }

  /** `hello` was refused: the hub may leave the socket open. */
  #refused(line: Line, error: ErrorReply): void {
    const code = error.code === "unauthenticated" ? 4401 : error.code === "forbidden" ? 4403 : 1006
    this.#gone(line, code, error.message)
  }

  #gone(line: Line, code: number, why: string): void {
    if (this.#line !== line) return
    const wasOpen = line.welcome !== null
    if (wasOpen && Date.now() - line.openedAt >= STABLE_MS) this.#failures = 0
    const closing = {
      code,
      failures: this.#failures,
      wasOpen,
      retryAfterMs: line.retryAfterMs,
      hasTokens: this.#options.token !== undefined,
    }
    const next = afterClose(closing, this.#options.random)
    if (next.next === "stop") return this.#stop(line, next.why)
    this.#failures++
    const until = Date.now() + next.inMs
    if (next.next === "wait") this.#notBefore = until
    this.#drop(line)
    if (code === 1009) this.#events.tooLarge()
    if (this.#isDecided()) return
    this.#connectIn(next.inMs)
    this.#become({ state: "waiting", until, why })
  }

  /** Whether who heard of the loss has ended it all, or connects again already. */
  #isDecided(): boolean {
    return this.#line !== null || this.state.state === "closed"
  }

  #connectIn(ms: number): void {
    clearTimeout(this.#wait)
    this.#wait = setTimeout(() => {
      this.#notBefore = 0 // Whatever the clock on the wall says by now.
      this.connect()
    }, ms)
  }

  #stop(line: Line, why: string): void {
    this.#drop(line)
    if (!this.#isDecided()) this.#become({ state: "closed", why })
  }

  /** Lets go of a socket; whatever it says from now on nobody hears. */
  #drop(line: Line): void {
    this.#line = null
    for (const timer of line.timers) clearTimeout(timer)
    const { socket } = line
    if (socket !== null) {
      socket.onopen = socket.onmessage = socket.onclose = null
      socket.onerror = () => {}
      socket.close()
    }
    for (const answer of line.asked.values()) answer(null)
    if (line.welcome !== null) this.#events.lost()
  }

  /** Tokens that live less than a minute end soon as soon as they are there: even these are not asked for without pause. */
  #refreshSoon(line: Line): void {
    const inMs = Math.max(0, line.refreshedAt + REFRESH_AGAIN_MS - Date.now())
    this.#after(line, inMs, () => {
      line.refreshedAt = Date.now()
      void this.#refresh(line, REFRESHES_MAX)
    })
  }

  /** A new token in place of the one that ends soon; the one in use goes on if that fails. */
  async #refresh(line: Line, left: number): Promise<void> {
    const again = () => left > 1 && this.#after(line, REFRESH_AGAIN_MS, () => void this.#refresh(line, left - 1))
    try {
      const token = await this.#options.token?.()
      if (!token || this.#line !== line) return
      this.ask({ type: "refresh", token }, reply => void (reply?.type === "error" && again()))
    } catch {
      again()
    }
  }

  /** Asks whether somebody is there whenever nothing was heard for longer than the hub's own pings are apart. */
  #watch(line: Line, limits: Limits): void {
    this.#after(line, limits.pingIntervalMs, () => {
      if (Date.now() - line.heardAt >= limits.pingIntervalMs + limits.pongTimeoutMs) this.#probe(line)
      this.#watch(line, limits)
    })
  }

  #probe(line: Line): void {
    const since = Date.now()
    const { pongTimeoutMs } = line.welcome!.limits
    let answered = false
    this.ask({ type: "ping" }, () => (answered = true))
    this.#after(
      line,
      pongTimeoutMs,
      () => answered || line.heardAt > since || this.#gone(line, 1006, "The hub does not answer."),
    )
  }

  #after(line: Line, ms: number, act: () => unknown): void {
    const timer = setTimeout(() => {
      line.timers.delete(timer)
      if (this.#line === line) act()
    }, ms)
    line.timers.add(timer)
  }

  #become(state: ConnectionState): void {
    this.state = state
    this.#events.changed()
  }
}

function parsed(text: string): ServerMessage | null {
  try {
    return JSON.parse(text) as ServerMessage
  } catch {
    return null
  }
}
