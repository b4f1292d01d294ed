// The kinds of block that this page makes, and what each one is called.
//
// Promises: a kind that is not here is still shown, as text if it has some.
// Must never: say how a kind looks; that is in editor.css.

import type { Block, JsonObject } from "@blockhub/client"

export interface Kind {
  readonly kind: string
  readonly name: string
  /** What it is for, in a few words. */
  readonly hint: string
  /** A sign for the menu. */
  readonly sign: string
  /** What is typed at the start of a line to get it. */
  readonly typed?: string
  /** More words by which the menu finds it. */
  readonly words: string
  /** What an empty one says. */
  readonly empty: string
  /** What a new one holds. */
  readonly content: JsonObject
}

export const KINDS: readonly Kind[] = [
  { kind: "text", name: "Text", hint: "Plain words", sign: "¶", words: "paragraph plain", empty: "Write, or type / for more", content: { text: "" } },
  { kind: "heading1", name: "Heading 1", hint: "A big heading", sign: "H1", typed: "#", words: "title h1", empty: "Heading", content: { text: "" } },
  { kind: "heading2", name: "Heading 2", hint: "A middle heading", sign: "H2", typed: "##", words: "subtitle h2", empty: "Heading", content: { text: "" } },
  { kind: "heading3", name: "Heading 3", hint: "A small heading", sign: "H3", typed: "###", words: "h3", empty: "Heading", content: { text: "" } },
  { kind: "todo", name: "To-do", hint: "A box to tick", sign: "☑", typed: "[]", words: "task check done", empty: "To do", content: { text: "", done: false } },
  { kind: "bulleted", name: "Bulleted list", hint: "Points in a list", sign: "•", typed: "-", words: "unordered point ul", empty: "List", content: { text: "" } },
  { kind: "numbered", name: "Numbered list", hint: "Points that count", sign: "1.", typed: "1.", words: "ordered count ol", empty: "List", content: { text: "" } },
  { kind: "quote", name: "Quote", hint: "Somebody’s words", sign: "❝", typed: ">", words: "cite blockquote", empty: "Quote", content: { text: "" } },
  { kind: "code", name: "Code", hint: "Lines as they are", sign: "{}", typed: "```", words: "program source", empty: "Code", content: { text: "" } },
  { kind: "image", name: "Image", hint: "A picture by its address", sign: "▣", words: "picture photo url", empty: "", content: { url: "", alt: "" } },
  { kind: "divider", name: "Divider", hint: "A line across", sign: "—", typed: "---", words: "rule separator hr line", empty: "", content: {} },
]

/** Kinds that go on when Enter ends a line of them, and end when that line is empty. */
export const LISTS: ReadonlySet<string> = new Set(["bulleted", "numbered", "todo"])

/** What is known of a kind; one that is not ours is taken for text under its own name. */
export function kindOf(kind: string): Kind {
  return KINDS.find((known) => known.kind === kind) ?? { ...KINDS[0]!, kind, name: kind, empty: "" }
}

/** Whether a block holds text that can be written in. */
export function isWritten(block: Block): boolean {
  return block.kind !== "divider" && block.kind !== "image"
}

/** A block's text; empty if it has none. */
export function textOf(block: Block | undefined): string {
  const text = block?.content["text"]
  return typeof text === "string" ? text : ""
}

/** The kinds that a few typed letters may mean, the likeliest first. */
export function matching(query: string): readonly Kind[] {
  const wanted = query.trim().toLowerCase()
  const starts = KINDS.filter((kind) => kind.name.toLowerCase().startsWith(wanted))
  const holds = KINDS.filter((kind) => !starts.includes(kind) && `${kind.name} ${kind.words}`.toLowerCase().includes(wanted))
  return [...starts, ...holds]
}
