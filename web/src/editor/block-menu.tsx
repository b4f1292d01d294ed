// What can be done with a block: opened by its handle.
//
// Promises: a menu as the keyboard knows it: arrows, Home, End, letters, Escape; the keyboard goes back where it was.
// Must never: stay open when something else is pressed.

import { useEffect, useLayoutEffect, useRef, type KeyboardEvent, type ReactNode } from "react"
import { createPortal } from "react-dom"
import * as commands from "./commands"
import { useEditor } from "./editor"
import { isWritten, KINDS } from "./kinds"
import * as tree from "./tree"

interface Properties {
  readonly id: string
  readonly anchor: HTMLElement
  readonly onClose: () => void
}

export function BlockMenu({ id, anchor, onClose }: Properties) {
  const editor = useEditor()
  const menu = useRef<HTMLDivElement>(null)
  const block = editor.project.block(id)
  useLayoutEffect(() => {
    place(menu.current!, anchor.getBoundingClientRect())
    menu.current!.querySelector<HTMLElement>("button")?.focus()
  }, [anchor])
  useEffect(() => closedByOthers(menu.current!, onClose))
  if (!block) return null
  const { project, focus } = editor
  const act = (command: () => commands.Spot | null) => (): void => {
    onClose()
    editor.typing.pause()
    focus.follow(command())
  }
  const kinds = isWritten(block) ? KINDS.filter((kind) => "text" in kind.content) : []
  return createPortal(
    <div ref={menu} className="menu" role="menu" aria-label="This block" onKeyDown={(event) => pressed(event, onClose)}>
      <Item onChoose={act(() => commands.shift(project, block, tree.up(project, block)))} keys="Alt ↑">Move up</Item>
      <Item onChoose={act(() => commands.shift(project, block, tree.down(project, block)))} keys="Alt ↓">Move down</Item>
      <Item onChoose={act(() => commands.indent(project, block))} keys="Tab">Indent</Item>
      <Item onChoose={act(() => commands.outdent(project, block))} keys="⇧ Tab">Outdent</Item>
      <Item onChoose={act(() => commands.insertAfter(project, block, "text"))}>New line below</Item>
      <Item onChoose={act(() => commands.remove(project, block))} keys="Ctrl ⇧ ⌫">Delete</Item>
      {kinds.length > 0 && <p className="menu-title" role="presentation">Make it</p>}
      {kinds.map((kind) => (
        <Item key={kind.kind} chosen={kind.kind === block.kind} sign={kind.sign} onChoose={act(() => commands.convert(project, block, kind.kind))}>{kind.name}</Item>
      ))}
    </div>,
    document.querySelector("main")!,
  )
}

function Item({ children, keys, sign, chosen, onChoose }: { children: ReactNode; keys?: string; sign?: string; chosen?: boolean; onChoose: () => void }) {
  const kind = chosen === undefined ? { role: "menuitem" } : { role: "menuitemradio", "aria-checked": chosen }
  return (
    <button type="button" className="menu-item" tabIndex={-1} onClick={onChoose} {...kind}>
      {sign && <span className="sign" aria-hidden="true" data-sign={sign} />}
      {children}
      {keys && <kbd aria-hidden="true">{keys}</kbd>}
    </button>
  )
}

function place(menu: HTMLElement, anchor: DOMRect): void {
  const { width, height } = menu.getBoundingClientRect()
  const top = Math.max(8, Math.min(anchor.bottom + 4, window.innerHeight - height - 8))
  const left = Math.max(8, Math.min(anchor.left, window.innerWidth - width - 8))
  Object.assign(menu.style, { top: `${top}px`, left: `${left}px` })
}

function closedByOthers(menu: HTMLElement, onClose: () => void): () => void {
  const outside = (event: Event): void => {
    if (!(event.target instanceof Node) || !menu.contains(event.target)) onClose()
  }
  document.addEventListener("pointerdown", outside)
  return () => document.removeEventListener("pointerdown", outside)
}

function pressed(event: KeyboardEvent<HTMLElement>, onClose: () => void): void {
  const items = [...event.currentTarget.querySelectorAll("button")]
  const at = items.findIndex((item) => item === document.activeElement)
  const to = (index: number): void => items[(index + items.length) % items.length]?.focus()
  if (event.key === "ArrowDown") to(at + 1)
  else if (event.key === "ArrowUp") to(at - 1)
  else if (event.key === "Home") to(0)
  else if (event.key === "End") to(-1)
  else if (event.key === "Escape" || event.key === "Tab") onClose()
  else if (event.key.length === 1 && event.key !== " ") toLetter(items, at, event.key)
  else return
  event.preventDefault()
  event.stopPropagation()
}

/** The next item that begins with the letter. */
function toLetter(items: readonly HTMLElement[], at: number, letter: string): void {
  const order = [...items.slice(at + 1), ...items.slice(0, at + 1)]
  order.find((item) => item.textContent?.trim().toLowerCase().startsWith(letter.toLowerCase()))?.focus()
}
