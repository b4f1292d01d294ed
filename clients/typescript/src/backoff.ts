// When to connect again: the close-code table of docs/protocol.md.
//
// Promises: waits grow with each failure in a row, have full jitter, and end; what the hub asked for is kept.
// Must never: connect again where the table says no.

const WAIT_MS_MIN = 500
const WAIT_MS_MAX = 30_000

/** `wait`: the hub asked for it, so nobody hurries it. */
export type Next = { next: "connect" | "wait"; inMs: number } | { next: "stop"; why: string }

export interface Closing {
  /** The close code; 1006 where there was none. */
  code: number
  /** Failures in a row before this one. */
  failures: number
  /** Whether this connection had been welcomed. */
  wasOpen: boolean
  /** Of the last error on it. */
  retryAfterMs: number | undefined
  /** Whether a new token can be had. */
  hasTokens: boolean
}

export function afterClose({ code, failures, wasOpen, retryAfterMs, hasTokens }: Closing, random: () => number): Next {
  const later = { next: "connect", inMs: jittered(failures, random) } as const
  switch (code) {
    case 4400:
      return { next: "stop", why: "The hub does not understand this client." }
    case 4403:
      return { next: "stop", why: "The hub has blocked this user." }
    case 4401:
      if (!hasTokens) return { next: "stop", why: "The hub wants a token, and there is none." }
      return wasOpen ? { next: "connect", inMs: 0 } : later
    case 1012:
      return wasOpen ? { next: "connect", inMs: 0 } : waitFor(retryAfterMs, later, random)
    case 1013:
      return { next: "wait", inMs: jittered(failures + 2, random) }
    case 4429:
      return waitFor(retryAfterMs, { ...later, next: "wait" }, random)
    default:
      return wasOpen ? later : waitFor(retryAfterMs, later, random)
  }
}

/** Full jitter: anything up to a bound that doubles, in ms. */
export function jittered(failures: number, random: () => number): number {
  return Math.floor(random() * Math.min(WAIT_MS_MAX, WAIT_MS_MIN * 2 ** Math.min(failures, 10)))
}

/** What the hub asked for, and a little more, so that not all come back at once. */
function waitFor(retryAfterMs: number | undefined, otherwise: Next, random: () => number): Next {
  return retryAfterMs === undefined
    ? otherwise
    : { next: "wait", inMs: retryAfterMs + Math.floor(random() * WAIT_MS_MIN) }
}
