// An unsaved edit as it is kept: all it takes to send it again, or to go on with it, in another page.
//
// Promises: plain data (structured clone and JSON keep it whole).
// Must never: hold a token.

import type { PlainOp } from "../project/pending.js"
import type { Block, EditMessage, OnConflict, TextChange } from "../protocol.js"

/** Typing is kept as changes counted on `before`. */
export type DraftOp = PlainOp | { op: "text"; block: string; path: string; before: string; changes: TextChange[] }

export interface DraftEdit {
  /** Of this shape. */
  format: 1
  project: string
  /** The `editId`. */
  edit: string
  /** Whose it is; null if nobody was welcomed yet. Somebody else's is not sent. */
  user: string | null
  /** When it was made, ms since 1970, and its place among those of one page. */
  at: number
  order: number
  group?: string
  onConflict: OnConflict
  epoch: string | null
  ops: DraftOp[]
  bases: { block: string; version: number; seen: Block | null; held: boolean }[]
  /** The message, if it was fixed: it is sent again unchanged. */
  sent: EditMessage | null
}
