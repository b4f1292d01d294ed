// An unsaved edit as it is kept: all it takes to send it again, or to go on with it, in another page.
//
// Promises: plain data (structured clone and JSON keep it whole).
// Must never: hold a token.

import type { Block, EditMessage, JsonObject, OnConflict, TextChange } from "../protocol.js"

export type DraftOp =
  | {
      op: "insert"
      block: string
      kind: string
      parent: string | null
      after: string | null
      content: JsonObject
      near: string | null
    }
  | { op: "update"; block: string; patch: JsonObject }
  /** The changes are counted on `before`. */
  | { op: "text"; block: string; path: string; before: string; changes: TextChange[] }
  | { op: "move"; block: string; parent: string | null; after: string | null; near: string | null }
  | { op: "delete"; block: string }

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
