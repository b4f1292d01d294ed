// What is asked of the hub apart from edits: history, undo, restore. All of it can be asked twice without harm.
//
// Promises: each question is asked until it is answered, also on the next connection, but not before the time that the
// hub asked for; answers come once.
// Must never: hold more than `QUESTIONS_MAX` at a time; have a timer left once it is over.

import { jittered } from "../backoff.js"
import { HubError } from "../errors.js"
import type { Ack, ConflictReply, ErrorReply, History, HistoryQuestion, Restore, Undo } from "../protocol.js"
import type { Socket } from "../socket.js"
import { withResolvers } from "./pending.js"

const QUESTIONS_MAX = 100

type Reply = Ack | ConflictReply | History
interface Question {
  message: HistoryQuestion | Undo | Restore
  times: number
  /** Ticking while it is put off. */
  wait: ReturnType<typeof setTimeout> | undefined
  resolve: (reply: Reply) => void
  reject: (error: Error) => void
}

export class Questions {
  readonly #socket: Socket
  readonly #isLive: () => boolean
  readonly #random: () => number
  readonly #open = new Set<Question>()
  /** Why there are no answers any more, once there are none. */
  #over: HubError | null = null

  constructor(socket: Socket, isLive: () => boolean, random: () => number) {
    this.#socket = socket
    this.#isLive = isLive
    this.#random = random
  }

  /** Throws HubError. */
  put(message: Question["message"]): Promise<Reply> {
    if (this.#over !== null) return Promise.reject(this.#over)
    if (this.#open.size >= QUESTIONS_MAX)
      return Promise.reject(new HubError({ code: "busy", message: "Too many questions are waiting for an answer." }))
    const { promise, resolve, reject } = withResolvers<Reply>()
    const question = { message, times: 0, wait: undefined, resolve, reject }
    this.#open.add(question)
    this.#ask(question)
    return promise
  }

  /** The project is joined: whatever is open is asked (again). */
  ask(): void {
    for (const question of this.#open) this.#ask(question)
  }

  /** There will be no answers any more, to later questions neither. */
  refuse(reason: "forbidden" | "deleted" | "not_found" | "closed"): void {
    const code = reason === "forbidden" ? "forbidden" : "not_found"
    this.#over = new HubError({ code, message: `The project was left: ${reason}.` })
    for (const question of this.#open) {
      clearTimeout(question.wait)
      question.reject(this.#over)
    }
    this.#open.clear()
  }

  #ask(question: Question): void {
    if (!this.#isLive() || question.wait !== undefined) return
    this.#socket.ask(question.message, reply => {
      if (reply === null || !this.#open.has(question)) return
      if (reply.type === "error") return this.#refused(question, reply)
      this.#open.delete(question)
      question.resolve(reply as Reply)
    })
  }

  #refused(question: Question, reply: ErrorReply): void {
    const canWait = ["rate_limited", "busy", "draining", "internal", "not_joined", "unauthenticated"].includes(
      reply.code,
    )
    if (canWait && ++question.times <= 10) {
      const again = () => {
        question.wait = undefined
        this.#ask(question)
      }
      question.wait = setTimeout(again, reply.retryAfterMs ?? 100 + jittered(question.times, this.#random))
      return
    }
    this.#open.delete(question)
    question.reject(new HubError(reply))
  }
}
