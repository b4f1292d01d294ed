// What keys, menus and hands do to blocks, in the words of the client.
//
// Promises: each command is one edit (one group if it takes more than 100 ops), so that it is undone at once; it says
//   where the caret belongs afterwards.
// Must never: touch the page; it would work without one.

import type { Block, JsonObject, Project, Transaction } from "@blockhub/client"
import { isWritten, kindOf, LISTS, textOf } from "./kinds"
import { beside, following, inward, next, outward, previous, type Place } from "./tree"

/** Where a caret stands: so many UTF-16 units into a block's text. */
export interface Spot {
  readonly block: string
  readonly at: number
}

/** A block to be. */
export interface Line {
  readonly kind: string
  readonly content: JsonObject
}

type Step = (tx: Transaction) => void

/** The hub takes so many ops in one edit. */
const OPS_MAX = 100

/** The steps as one edit, or as few as can be; each step is one op. */
export function together(project: Project, steps: readonly Step[]): void {
  const group = steps.length > OPS_MAX ? { group: crypto.randomUUID() } : {}
  for (let from = 0; from < steps.length; from += OPS_MAX) {
    project.edit((tx) => steps.slice(from, from + OPS_MAX).forEach((step) => step(tx)), group)
  }
}

/** Enter: the text from `at` on goes on in a new block; what is selected, up to `end`, goes. */
export function split(project: Project, block: Block, at: number, end: number): Spot | null {
  const text = textOf(block)
  if (text === "" && block.kind !== "text") return leaveList(project, block)
  const kind = LISTS.has(block.kind) ? block.kind : "text"
  if (at === 0 && end === 0 && text !== "") {
    project.insert({ kind: block.kind === "quote" ? "quote" : kind, parent: block.parent, after: beside(project, block, -1)?.id ?? null, content: kindOf(kind).content })
    return null
  }
  const place = project.children(block.id).length > 0 ? { parent: block.id, after: null } : { parent: block.parent, after: block.id }
  const id = crypto.randomUUID()
  const cut: Step[] = at < text.length ? [(tx) => tx.text(block.id, "/text", [{ at, delete: text.length - at, insert: "" }])] : []
  together(project, [...cut, (tx) => tx.insert({ id, kind, ...place, content: { ...kindOf(kind).content, text: text.slice(end) } })])
  return { block: id, at: 0 }
}

function leaveList(project: Project, block: Block): Spot | null {
  return block.parent !== null && LISTS.has(block.kind) ? shift(project, block, outward(project, block)) : convert(project, block, "text")
}

/** Backspace at the start: first it is text, then it comes out of its parent, then it joins what is before it. */
export function backspace(project: Project, block: Block): Spot | null {
  if (block.kind !== "text") return convert(project, block, "text")
  if (block.parent !== null) return shift(project, block, outward(project, block))
  const before = previous(project, block)
  if (!before) return null
  if (isWritten(before)) return join(project, before, block)
  if (before.kind === "divider") project.delete(before.id)
  else if (textOf(block) === "") return remove(project, block)
  return null
}

/** Delete at the end: what comes next joins this one. */
export function forwardDelete(project: Project, block: Block): Spot | null {
  const after = next(project, block)
  if (!after) return null
  if (isWritten(after)) return join(project, block, after)
  if (after.kind === "divider") project.delete(after.id)
  return null
}

/** The second's text goes to the end of the first's, and its children to the end of the first's children. */
function join(project: Project, first: Block, second: Block): Spot {
  const at = textOf(first).length
  const text = textOf(second)
  const steps: Step[] = text === "" ? [] : [(tx) => tx.text(first.id, "/text", [{ at, delete: 0, insert: text }])]
  const end = project.children(first.id).filter((child) => child.id !== second.id).at(-1)?.id ?? null
  together(project, [...steps, ...adopt(project, second, first.id, end), (tx) => tx.delete(second.id)])
  return { block: first.id, at }
}

/** All children of a block go under `parent`, in their order, behind `after`. */
function adopt(project: Project, from: Block, parent: string, after: string | null): Step[] {
  const children = project.children(from.id)
  return children.map((child, index) => (tx) => tx.move(child.id, { parent, after: index === 0 ? after : children[index - 1]!.id }))
}

/** Another kind of block with the same text in the same place. A block's kind never changes, so a new one takes over. */
export function convert(project: Project, block: Block, kind: string, content: JsonObject = {}): Spot {
  if (block.kind === kind) return { block: block.id, at: textOf(block).length }
  const id = crypto.randomUUID()
  const base = kindOf(kind).content
  const text = "text" in base ? { text: textOf(block) } : {}
  const insert: Step = (tx) => tx.insert({ id, kind, parent: block.parent, after: block.id, content: { ...base, ...text, ...content } })
  together(project, [insert, ...adopt(project, block, id, null), (tx) => tx.delete(block.id)])
  return { block: id, at: 0 }
}

/** A new block behind this one and before its children's next of kin. */
export function insertAfter(project: Project, block: Block, kind: string, content: JsonObject = {}): Spot {
  const id = crypto.randomUUID()
  project.insert({ id, kind, parent: block.parent, after: block.id, content: { ...kindOf(kind).content, ...content } })
  return { block: id, at: 0 }
}

/** A new line at the end of all, unless the last one is empty already. */
export function append(project: Project): Spot {
  const end = project.children(null).at(-1)
  if (end && end.kind === "text" && textOf(end) === "" && project.children(end.id).length === 0) return { block: end.id, at: 0 }
  const id = crypto.randomUUID()
  project.insert({ id, kind: "text", parent: null, after: end?.id ?? null, content: { text: "" } })
  return { block: id, at: 0 }
}

/** A divider in place of the block, with a line to write on behind it. */
export function divide(project: Project, block: Block): Spot {
  const [line, text] = [crypto.randomUUID(), crypto.randomUUID()]
  const { parent } = block
  together(project, [
    (tx) => tx.insert({ id: line, kind: "divider", parent, after: block.id }),
    (tx) => tx.insert({ id: text, kind: "text", parent, after: line, content: { text: "" } }),
    ...adopt(project, block, text, null),
    (tx) => tx.delete(block.id),
  ])
  return { block: text, at: 0 }
}

/** The block and all under it go; the caret goes to what is before it. */
export function remove(project: Project, block: Block): Spot | null {
  const before = previous(project, block) ?? following(project, block)
  project.delete(block.id)
  return before ? { block: before.id, at: textOf(before).length } : null
}

/** To another place, with all under it; null (there is no such place) changes nothing. */
export function shift(project: Project, block: Block, place: Place | null): null {
  if (place) project.move(block.id, place)
  return null
}

export function indent(project: Project, block: Block): null {
  return shift(project, block, inward(project, block))
}

export function outdent(project: Project, block: Block): null {
  return shift(project, block, outward(project, block))
}

/** Lines take an empty block's place. */
export function replace(project: Project, block: Block, lines: readonly Line[]): Spot {
  const ids = lines.map(() => crypto.randomUUID())
  const insert = (line: Line, index: number): Step => {
    const after = index === 0 ? block.id : ids[index - 1]!
    return (tx) => tx.insert({ id: ids[index]!, kind: line.kind, parent: block.parent, after, content: { ...kindOf(line.kind).content, ...line.content } })
  }
  const end = ids.at(-1)!
  together(project, [...lines.map(insert), ...adopt(project, block, end, null), (tx) => tx.delete(block.id)])
  return { block: end, at: Infinity }
}

/** Several lines come in at once: the first into this block in place of what is selected, each other as a block behind it. */
export function paste(project: Project, block: Block, selected: { at: number; end: number }, lines: readonly Line[], first: string): Spot {
  const text = textOf(block)
  const tail = text.slice(selected.end)
  const ids = lines.map(() => crypto.randomUUID())
  const place = (index: number): Place => ({ parent: block.parent, after: index === 0 ? block.id : ids[index - 1]! })
  const insert = (line: Line, index: number): Step => {
    const rest = index === lines.length - 1 && typeof line.content["text"] === "string" ? { text: line.content["text"] + tail } : {}
    return (tx) => tx.insert({ id: ids[index]!, kind: line.kind, ...place(index), content: { ...kindOf(line.kind).content, ...line.content, ...rest } })
  }
  const change = { at: selected.at, delete: text.length - selected.at, insert: first }
  together(project, [(tx) => tx.text(block.id, "/text", [change]), ...lines.map(insert)])
  const end = lines.at(-1)?.content["text"]
  return { block: ids.at(-1) ?? block.id, at: typeof end === "string" ? end.length : 0 }
}
