// Signs at the start of a line that make it another kind, as in Markdown.
//
// Promises: pure; says what the signs mean, and how much of the line they are.
// Must never: take a sign for one that is typed in the middle of a line.

import type { JsonObject } from "@blockhub/client"

export interface Shortcut {
  readonly kind: string
  /** How many characters of the line are the sign. */
  readonly length: number
  readonly content: JsonObject
}

const SIGNS: readonly (readonly [RegExp, string, JsonObject])[] = [
  [/^### /, "heading3", {}],
  [/^## /, "heading2", {}],
  [/^# /, "heading1", {}],
  [/^(?:[-*+] )?\[[xX]\] /, "todo", { done: true }],
  [/^(?:[-*+] )?\[ ?\] /, "todo", { done: false }],
  [/^[-*+] /, "bulleted", {}],
  [/^\d{1,3}[.)] /, "numbered", {}],
  [/^> /, "quote", {}],
  [/^```/, "code", {}],
  [/^(?:---|\*\*\*|___)$/, "divider", {}],
]

/** What `line` becomes by the sign it starts with; null if by none. */
export function shortcut(line: string): Shortcut | null {
  for (const [sign, kind, content] of SIGNS) {
    const found = sign.exec(line)
    if (found) return { kind, length: found[0].length, content }
  }
  return null
}

/** The sign that the caret stands right behind, which is then what was just typed; null if it stands elsewhere. */
export function justTyped(line: string, caret: number): Shortcut | null {
  const found = shortcut(line.slice(0, caret))
  const isWhole = found?.kind !== "divider" || line.length === caret
  return found && found.length === caret && isWhole ? found : null
}

/** A line of Markdown as a block's kind and content. */
export function readLine(line: string): { kind: string; content: JsonObject } {
  const found = shortcut(line)
  if (!found || found.kind === "code") return { kind: "text", content: { text: line } }
  if (found.kind === "divider") return { kind: "divider", content: {} }
  return { kind: found.kind, content: { ...found.content, text: line.slice(found.length) } }
}
