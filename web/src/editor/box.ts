// What divider and image share: blocks without text that the keyboard stops at as a whole.
//
// Promises: arrows, moving, indenting and deleting work as in text.
// Must never: take keys that were pressed in a field inside.

import { useLayoutEffect, type KeyboardEvent, type RefObject } from "react"
import { insertAfter, remove } from "./commands"
import { useEditor, type Editor } from "./editor"
import { commandAnywhere, nameOfKey } from "./keyboard"
import * as tree from "./tree"

/** The key handler for an element that stands for the whole block. */
export function useBox(id: string, element: RefObject<HTMLElement | null>): (event: KeyboardEvent) => void {
  const editor = useEditor()
  useLayoutEffect(() => {
    const has = (): boolean => document.activeElement === element.current
    return editor.focus.add(id, {
      focus: () => element.current?.focus(),
      select: () => element.current?.focus({ preventScroll: true }),
      selection: () => (has() ? { at: 0, end: 0 } : null),
    })
  }, [editor, id, element])
  return (event) => {
    if (event.target === event.currentTarget && press(editor, id, nameOfKey(event))) event.preventDefault()
  }
}

function press(editor: Editor, id: string, name: string): boolean {
  const { project, focus, canEdit } = editor
  const block = project.block(id)
  if (!block) return false
  const [before, after] = [tree.previous(project, block), tree.next(project, block)]
  if ((name === "ArrowUp" || name === "ArrowLeft") && before) focus.go(before.id, Infinity)
  else if ((name === "ArrowDown" || name === "ArrowRight") && after) focus.go(after.id, 0)
  else if (canEdit && (name === "Backspace" || name === "Delete")) focus.follow(remove(project, block))
  else if (canEdit && name === "Enter") focus.follow(insertAfter(project, block, "text"))
  else return canEdit && run(editor, commandAnywhere(editor, block, name))
  return true
}

function run(editor: Editor, command: ReturnType<typeof commandAnywhere>): boolean {
  if (command) editor.focus.follow(command())
  return command !== null
}
