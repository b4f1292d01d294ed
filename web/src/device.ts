// What this device remembers: who one is, and which projects were open lately.
//
// Promises: a browser that keeps nothing still works; each visit is then the first.
// Must never: keep what is written; the client keeps what is unsaved.

export interface Me {
  readonly id: string
  readonly name: string
}

export interface Recent {
  readonly id: string
  readonly title: string
  /** Milliseconds since 1970. */
  readonly at: number
}

const RECENTS_MAX = 12
/** Under these names in localStorage; the token, in sessionStorage. */
const KEYS = { me: "blockhub.me", recents: "blockhub.recents", token: "blockhub.token" }

export function readMe(): Me {
  const known = read(localStorageOrNull(), KEYS.me)
  if (isObject(known) && typeof known["id"] === "string" && typeof known["name"] === "string") return { id: known["id"], name: known["name"] }
  const me = { id: `guest-${crypto.randomUUID().slice(0, 8)}`, name: "Guest" }
  writeMe(me)
  return me
}

export function writeMe(me: Me): void {
  write(localStorageOrNull(), KEYS.me, me)
}

export function readRecents(): readonly Recent[] {
  const known = read(localStorageOrNull(), KEYS.recents)
  return Array.isArray(known) ? known.filter(isRecent) : []
}

/** Puts a project first among those that were open lately. */
export function remember(id: string, title: string): void {
  const others = readRecents().filter((recent) => recent.id !== id)
  write(localStorageOrNull(), KEYS.recents, [{ id, title, at: Date.now() }, ...others].slice(0, RECENTS_MAX))
}

export function forget(id: string): void {
  write(localStorageOrNull(), KEYS.recents, readRecents().filter((recent) => recent.id !== id))
}

/** The token for a hub that asks for one; null on an open hub. */
export function readToken(): string | null {
  const token = read(sessionStorageOrNull(), KEYS.token)
  return typeof token === "string" ? token : null
}

export function writeToken(token: string): void {
  write(sessionStorageOrNull(), KEYS.token, token)
}

function localStorageOrNull(): Storage | null {
  return storage(() => window.localStorage)
}

function sessionStorageOrNull(): Storage | null {
  return storage(() => window.sessionStorage)
}

/** A browser may forbid storage: even naming it throws then. */
function storage(open: () => Storage): Storage | null {
  try {
    return open()
  } catch {
    return null
  }
}

function read(from: Storage | null, key: string): unknown {
  try {
    return JSON.parse(from?.getItem(key) ?? "null")
  } catch {
    return null
  }
}

function write(to: Storage | null, key: string, value: unknown): void {
  try {
    to?.setItem(key, JSON.stringify(value))
  } catch {
    // Full or forbidden: it is remembered until the page is left.
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}

function isRecent(value: unknown): value is Recent {
  return isObject(value) && typeof value["id"] === "string" && typeof value["title"] === "string" && typeof value["at"] === "number"
}
