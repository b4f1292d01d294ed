// Text changes by themselves: applying them, and what two that happened at once make of each other.
//
// Promises: pure; positions in UTF-16 code units, as everywhere.
// Must never: decide what the text is; the client does.

import { shift, type TextChange } from "@blockhub/client"

/** The text after the changes. */
export function applied(text: string, changes: readonly TextChange[]): string {
  let result = ""
  let at = 0
  for (const change of changes) {
    result += text.slice(at, change.at) + change.insert
    at = change.at + change.delete
  }
  return result + text.slice(at)
}

/** `changes` as they are where `others`, made at the same time, have been applied first. */
export function behind(changes: readonly TextChange[], others: readonly TextChange[]): TextChange[] {
  return changes.map((change) => {
    const at = shift(change.at, others, "before")
    const end = Math.max(at, shift(change.at + change.delete, others, change.delete > 0 ? "after" : "before"))
    return { ...change, at, delete: end - at }
  })
}
