// What goes wrong, as the application sees it.
//
// Promises: `code` is one of the contract's where the hub said it; `message` is for people.
// Must never: hold a token.

import type { ErrorCode, ErrorReply } from "./protocol.js"

/** The hub refused what was asked. */
export class HubError extends Error {
  override readonly name = "HubError"
  readonly code: ErrorCode | "unreachable"
  readonly retryAfterMs: number | undefined
  /** The limit that was passed, by its name in `limits`. */
  readonly limit: string | undefined

  constructor(reply: Pick<ErrorReply, "message" | "retryAfterMs" | "limit"> & { code: ErrorCode | "unreachable" }) {
    super(reply.message)
    this.code = reply.code
    this.retryAfterMs = reply.retryAfterMs
    this.limit = reply.limit
  }
}

/** An edit was rejected: nothing of it was applied. */
export class EditRejected extends Error {
  override readonly name = "EditRejected"
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}
