// The insert menu, as it is seen. The keyboard stays in the text, which is told which line of the menu is meant.
//
// Promises: stands at the caret, over or under it, inside the window.
// Must never: take the keyboard.

import { useEffect, useLayoutEffect, useRef, useSyncExternalStore } from "react"
import { createPortal } from "react-dom"
import { useEditor } from "./editor"

const GAP_PX = 6

export function SlashMenu() {
  const { slash } = useEditor()
  const state = useSyncExternalStore(slash.on, () => slash.state)
  const menu = useRef<HTMLDivElement>(null)
  const field = state.state === "open" ? state.field : null
  useLayoutEffect(() => {
    if (state.state === "open") place(menu.current!, state)
  }, [state])
  useEffect(() => field?.controls("insert-menu"), [field])
  useEffect(() => {
    if (state.state !== "open") return
    const option = `insert-${state.kinds[state.chosen]!.kind}`
    state.field.means(option)
    document.getElementById(option)?.scrollIntoView({ block: "nearest" })
  }, [state])
  if (state.state === "closed") return null
  return createPortal(
    <div ref={menu} id="insert-menu" className="menu" role="listbox" aria-label="Insert" tabIndex={0} onPointerDown={(event) => event.preventDefault()}>
      {state.kinds.map((kind, index) => (
        <div
          key={kind.kind} id={`insert-${kind.kind}`} className="menu-item" role="option" aria-selected={index === state.chosen}
          onClick={() => slash.choose(kind)}
        >
          <span className="sign" aria-hidden="true" data-sign={kind.sign} />
          <span>{kind.name}<small>{kind.hint}</small></span>
          {kind.typed && <kbd aria-hidden="true">{kind.typed}</kbd>}
        </div>
      ))}
    </div>,
    document.querySelector("main")!,
  )
}

function place(menu: HTMLElement, caret: { left: number; top: number; bottom: number }): void {
  const { width, height } = menu.getBoundingClientRect()
  const below = caret.bottom + GAP_PX
  const fits = below + height < window.innerHeight - GAP_PX
  const top = fits ? below : Math.max(GAP_PX, caret.top - height - GAP_PX)
  const left = Math.max(GAP_PX, Math.min(caret.left, window.innerWidth - width - GAP_PX))
  Object.assign(menu.style, { top: `${top}px`, left: `${left}px` })
}
