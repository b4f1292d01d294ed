// What a new project can begin with.
//
// Promises: each is a few blocks that show what can be done.
// Must never: hold more than one would gladly delete.

import type { JsonObject } from "@blockhub/client"

export interface Starter {
  readonly name: string
  readonly hint: string
  readonly title: string
  readonly blocks: readonly { kind: string; content: JsonObject }[]
}

const text = (kind: string, words: string, more: JsonObject = {}): { kind: string; content: JsonObject } => ({ kind, content: { ...more, text: words } })

export const STARTERS: readonly Starter[] = [
  { name: "Blank page", hint: "One empty line", title: "Untitled", blocks: [text("text", "")] },
  {
    name: "Meeting", hint: "Points, decisions, to-dos", title: "Meeting",
    blocks: [
      text("heading2", "Who is here"), text("bulleted", ""), text("heading2", "Points"), text("numbered", ""),
      text("heading2", "Decided"), text("quote", ""), text("heading2", "To do"), text("todo", "", { done: false }),
    ],
  },
  {
    name: "Checklist", hint: "Boxes to tick", title: "Checklist",
    blocks: [text("text", "Tick what is done. Everybody sees it at once."), ...["First", "Second", "Third"].map((words) => text("todo", words, { done: false }))],
  },
]
