// A line across.
//
// Promises: the keyboard reaches it, and can take it away.
// Must never: hold anything.

import { useRef } from "react"
import { useBox } from "./box"

export function Divider({ id }: { id: string }) {
  const element = useRef<HTMLDivElement>(null)
  const pressed = useBox(id, element)
  return <div ref={element} className="body box divider" role="group" aria-label="Divider" tabIndex={0} onKeyDown={pressed}><hr /></div>
}
