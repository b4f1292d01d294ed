// A block's handle: dragged, it moves the block; pressed, it opens the block's menu.
//
// Promises: works with mouse, pen, finger and keys; Escape gives a drag up.
// Must never: move anything before the hand has moved a little.

import { memo, useRef, useState, type KeyboardEvent, type PointerEvent } from "react"
import { BlockMenu } from "./block-menu"
import { placeFor, type Over } from "./drag"
import { useEditor, type Editor } from "./editor"
import { commandAnywhere, nameOfKey } from "./keyboard"
import { kindOf } from "./kinds"

/** A press becomes a drag after so many pixels. */
const SLACK_PX = 5
/** So near to an edge of the window, the page scrolls along. */
const EDGE_PX = 60
/** So far right of where a line's text begins, what is dropped goes under it. */
const INSET_PX = 48

type Hold = { state: "idle" } | { state: "pressed"; x: number; y: number } | { state: "dragging"; over: Over | null; mark: HTMLElement; row: HTMLElement }

export const Grip = memo(function Grip({ id, kind }: { id: string; kind: string }) {
  const editor = useEditor()
  const hold = useRef<Hold>({ state: "idle" })
  const button = useRef<HTMLButtonElement>(null)
  const [isOpen, setOpen] = useState(false)
  const close = (): void => {
    setOpen(false)
    button.current?.focus()
  }
  const drop = (): void => {
    const held = hold.current
    hold.current = { state: "idle" }
    if (held.state === "pressed") setOpen(true)
    if (held.state === "dragging") put(editor, id, held)
  }
  const cancel = (): void => {
    if (hold.current.state === "dragging") tidy(hold.current)
    hold.current = { state: "idle" }
  }
  const pressed = (event: KeyboardEvent): void => {
    if (event.key === "Escape") return cancel()
    if (event.key === "Enter" || event.key === " ") setOpen(true)
    else if (!alter(editor, id, event)) return
    event.preventDefault()
  }
  return (
    <>
      <button
        ref={button} type="button" className="grip" tabIndex={-1} aria-haspopup="menu" aria-expanded={isOpen}
        aria-label={`Move or change: ${kindOf(kind).name}`} title="Drag to move, press for more"
        onPointerDown={(event) => (hold.current = grab(event))}
        onPointerMove={(event) => (hold.current = drag(hold.current, event, id))}
        onPointerUp={drop} onPointerCancel={cancel} onKeyDown={pressed}
      />
      {isOpen && <BlockMenu id={id} anchor={button.current!} onClose={close} />}
    </>
  )
})

function grab(event: PointerEvent): Hold {
  if (event.button !== 0) return { state: "idle" }
  event.currentTarget.setPointerCapture(event.pointerId)
  return { state: "pressed", x: event.clientX, y: event.clientY }
}

function drag(hold: Hold, event: PointerEvent, id: string): Hold {
  if (hold.state === "idle") return hold
  if (hold.state === "pressed" && Math.hypot(event.clientX - hold.x, event.clientY - hold.y) < SLACK_PX) return hold
  const dragging = hold.state === "dragging" ? hold : lift(event.currentTarget)
  scrollAlong(event.clientY)
  const over = under(event, id)
  point(dragging.mark, over)
  return { ...dragging, over }
}

function lift(grip: Element): Hold & { state: "dragging" } {
  const row = grip.closest<HTMLElement>(".row")!
  row.classList.add("dragged")
  const mark = document.createElement("div")
  mark.className = "drop-mark"
  document.body.append(mark)
  return { state: "dragging", over: null, mark, row }
}

function scrollAlong(y: number): void {
  const [over, beyond] = [EDGE_PX - y, y - (window.innerHeight - EDGE_PX)]
  if (over > 0) window.scrollBy(0, -over / 4)
  if (beyond > 0) window.scrollBy(0, beyond / 4)
}

function lineOf(block: string): HTMLElement | null {
  return document.querySelector<HTMLElement>(`[data-block="${CSS.escape(block)}"] > .line`)
}

/** The line at the height of the hand, wherever the hand is across. */
function under(event: PointerEvent, id: string): Over | null {
  const page = document.querySelector(".document")!.getBoundingClientRect()
  const line = document.elementFromPoint(page.left + page.width / 2, event.clientY)?.closest<HTMLElement>(".line")
  const block = line?.parentElement?.dataset["block"]
  if (!line || !block || block === id) return null
  const { top, height } = line.getBoundingClientRect()
  const text = line.querySelector(".body")!.getBoundingClientRect().left
  return { block, half: event.clientY < top + height / 2 ? "upper" : "lower", inset: event.clientX > text + INSET_PX ? "under" : "beside" }
}

/** Shows where the block would go. */
function point(mark: HTMLElement, over: Over | null): void {
  const line = over && lineOf(over.block)
  mark.hidden = !line
  if (!line) return
  const { top, bottom, right } = line.getBoundingClientRect()
  const left = line.querySelector(".body")!.getBoundingClientRect().left + (over.half === "lower" && over.inset === "under" ? INSET_PX / 2 : 0)
  Object.assign(mark.style, { left: `${left}px`, width: `${right - left}px`, top: `${over.half === "upper" ? top : bottom}px` })
}

function put(editor: Editor, id: string, held: Hold & { state: "dragging" }): void {
  tidy(held)
  const place = held.over && placeFor(editor.project, id, held.over)
  if (place) editor.project.move(id, place)
}

function tidy(held: Hold & { state: "dragging" }): void {
  held.mark.remove()
  held.row.classList.remove("dragged")
}

function alter(editor: Editor, id: string, event: KeyboardEvent): boolean {
  const block = editor.project.block(id)
  // Tab leads on from here; in the text it indents.
  const command = block && event.key !== "Tab" ? commandAnywhere(editor, block, nameOfKey(event)) : null
  if (command) editor.focus.follow(command())
  return Boolean(command)
}
