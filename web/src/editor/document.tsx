// The document of a project: its blocks, and room to go on writing.
//
// Promises: undo and redo work wherever the keyboard is in it.
// Must never: let the browser undo by itself; it knows nothing of the others.

import { useEffect, useRef } from "react"
import { useChildren } from "@blockhub/react"
import { append } from "./commands"
import { useEditor } from "./editor"
import { nameOfKey } from "./keyboard"
import { List } from "./list"
import { SlashMenu } from "./slash-menu"
import { TouchBar } from "./touch-bar"

export function Document({ onNotice }: { onNotice: (notice: string) => void }) {
  const editor = useEditor()
  const section = useRef<HTMLElement>(null)
  const isEmpty = useChildren(editor.project, null).length === 0
  useEffect(() => editor.carets.follow(), [editor])
  const tell = (outcome: Promise<string | null>): void => void outcome.then((notice) => notice && onNotice(notice), (error: Error) => onNotice(error.message))
  const undo = (): void => tell(editor.undo())
  const redo = (): void => tell(editor.redo())
  // React has no event of this kind, and these two are new with each render.
  useEffect(() => undoneHere(section.current!, undo, redo))
  useEffect(() => undoneByKey(undo, redo))
  const writeOn = (): void => editor.focus.follow(append(editor.project))
  return (
    <section className="document" aria-label="Document" aria-describedby="keys" ref={section}>
      <p id="keys" className="unseen">A slash inserts a block. Tab indents; Escape leads out of the text, to the block’s handle.</p>
      <List parent={null} />
      {editor.canEdit && <button type="button" className="write-on" onClick={writeOn}>{isEmpty ? "Write the first line" : "Write on"}</button>}
      <SlashMenu />
      {editor.canEdit && <TouchBar onUndo={undo} onRedo={redo} />}
    </section>
  )
}

/** The keys for it, wherever the keyboard is, but in a small field, such as an image's address: that undoes its own letters. */
function undoneByKey(undo: () => void, redo: () => void): () => void {
  const pressed = (event: KeyboardEvent): void => {
    const { target } = event
    const isElsewhere = target instanceof Element && target.closest("input:not([type=checkbox]), dialog") !== null
    const name = nameOfKey(event)
    if (isElsewhere || !["Mod+z", "Mod+Shift+z", "Mod+y"].includes(name)) return
    event.preventDefault()
    if (name === "Mod+z") undo()
    else redo()
  }
  document.addEventListener("keydown", pressed)
  return () => document.removeEventListener("keydown", pressed)
}

/** The browser's own undo, from a menu or a shaken phone, would undo the others' letters too: ours is done instead. */
function undoneHere(section: HTMLElement, undo: () => void, redo: () => void): () => void {
  const instead = (event: InputEvent): void => {
    if (event.target instanceof HTMLInputElement || !event.inputType.startsWith("history")) return
    event.preventDefault()
    if (event.inputType === "historyUndo") undo()
    else redo()
  }
  section.addEventListener("beforeinput", instead)
  return () => section.removeEventListener("beforeinput", instead)
}
