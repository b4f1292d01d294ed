// The keys of the editor: one table of what each does in a block's text.
//
// Promises: whatever the mouse can do to a block, keys can; a key that means nothing here is left to the browser.
// Must never: act on a key that belongs to a composition.

import * as commands from "./commands"
import type { Editor } from "./editor"
import type { Field } from "./field"
import { readLine } from "./shortcuts"
import * as tree from "./tree"
import type { Block } from "@blockhub/client"

/** What a key press says, as the browser tells it. */
export interface Press {
  readonly key: string
  readonly shiftKey: boolean
  readonly altKey: boolean
  readonly ctrlKey: boolean
  readonly metaKey: boolean
}

/** A key with those held down with it, such as `Mod+Shift+z`; Mod is Ctrl or Cmd. */
export function nameOfKey(press: Press): string {
  const held = [press.ctrlKey || press.metaKey ? "Mod" : "", press.altKey ? "Alt" : "", press.shiftKey ? "Shift" : ""]
  const key = press.key.length === 1 ? press.key.toLowerCase() : press.key
  return [...held, key].filter(Boolean).join("+")
}

/** Does what the key means in this field; false if it means nothing here. */
export function press(field: Field, name: string): boolean {
  const { editor } = field
  const block = editor.project.block(field.block)
  if (!block) return false
  if (editor.slash.key(name)) return true
  if (moveCaret(field, block, name)) return true
  if (!editor.canEdit) return false
  const command = commandFor(field, block, name)
  if (!command) return false
  editor.typing.pause()
  editor.focus.follow(command())
  return true
}

type Command = () => commands.Spot | null

function commandFor(field: Field, block: Block, name: string): Command | null {
  return commandAnywhere(field.editor, block, name) ?? commandInText(field, block, name)
}

/** Keys that do the same wherever in a block one is. */
export function commandAnywhere({ project }: Editor, block: Block, name: string): Command | null {
  switch (name) {
    case "Alt+ArrowUp":
      return () => commands.shift(project, block, tree.up(project, block))
    case "Alt+ArrowDown":
      return () => commands.shift(project, block, tree.down(project, block))
    case "Tab":
      return () => commands.indent(project, block)
    case "Shift+Tab":
      return () => commands.outdent(project, block)
    case "Mod+Shift+Backspace":
      return () => commands.remove(project, block)
    default:
      return null
  }
}

function commandInText(field: Field, block: Block, name: string): Command | null {
  const { project } = field.editor
  const { at, end, value } = field
  const isCode = block.kind === "code"
  switch (name) {
    case "Enter":
      return isCode ? null : () => commands.split(project, block, at, end)
    case "Mod+Enter":
      return block.kind === "todo" ? () => tick(field, block) : () => commands.insertAfter(project, block, "text")
    case "Backspace":
      return at === 0 && end === 0 ? () => commands.backspace(project, block) : null
    case "Delete":
      return at === value.length && !isCode ? () => commands.forwardDelete(project, block) : null
    default:
      return null
  }
}

function tick(field: Field, block: Block): null {
  field.editor.project.update(block.id, { done: block.content["done"] !== true })
  return null
}

/** Arrows that leave the block. */
function moveCaret(field: Field, block: Block, name: string): boolean {
  const { focus, project } = field.editor
  const [before, after] = [tree.previous(project, block), tree.next(project, block)]
  const x = (): number => field.caretRect(field.at).left
  const isAt = (place: number): boolean => field.at === place && field.end === place
  if (name === "ArrowUp" && before && field.isOnLine("first")) focus.go(before.id, { x: x(), line: "last" })
  else if (name === "ArrowDown" && after && field.isOnLine("last")) focus.go(after.id, { x: x(), line: "first" })
  else if (name === "ArrowLeft" && before && isAt(0)) focus.go(before.id, Infinity)
  else if (name === "ArrowRight" && after && isAt(field.value.length)) focus.go(after.id, 0)
  else return false
  return true
}

/** Several lines pasted into a field become blocks; false if it is a single line, or code, which takes lines as they are. */
export function pasteLines(field: Field, text: string): boolean {
  const { editor } = field
  const block = editor.project.block(field.block)
  const [first, ...rest] = text.replace(/\r\n?/g, "\n").split("\n")
  if (!block || !editor.canEdit || block.kind === "code" || rest.length === 0) return false
  editor.typing.pause()
  if (block.kind === "text" && field.value === "") {
    editor.focus.follow(commands.replace(editor.project, block, read([first!, ...rest])))
    return true
  }
  const lines = read(rest)
  if (typeof lines.at(-1)?.content["text"] !== "string") lines.push({ kind: "text", content: { text: "" } })
  editor.focus.follow(commands.paste(editor.project, block, { at: field.at, end: field.end }, lines, first!))
  return true
}

/** Lines as blocks; empty ones only set others apart. */
function read(lines: readonly string[]): commands.Line[] {
  const full = lines.filter((line) => line.trim() !== "")
  return (full.length > 0 ? full : [""]).map(readLine)
}
