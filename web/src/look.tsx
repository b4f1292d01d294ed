// Light or dark: as the system says, or as one chose.
//
// Promises: a choice holds on this device until it is changed.
// Must never: name a colour; tokens.css does.

import { useState } from "react"
import { Icon } from "./icons"

export type Look = "system" | "light" | "dark"

const KEY = "blockhub.look"
const NEXT: Record<Look, Look> = { system: "light", light: "dark", dark: "system" }

export function storedLook(): Look {
  try {
    const known = window.localStorage.getItem(KEY)
    return known === "light" || known === "dark" ? known : "system"
  } catch {
    return "system"
  }
}

export function applyLook(look: Look): void {
  document.documentElement.dataset["look"] = look
  try {
    window.localStorage.setItem(KEY, look)
  } catch {
    // Forbidden: it holds until the page is left.
  }
}

export function LookButton() {
  const [look, setLook] = useState(storedLook)
  const turn = (): void => {
    applyLook(NEXT[look])
    setLook(NEXT[look])
  }
  return <button type="button" className="icon" aria-label={`Colours: ${look}. Change to ${NEXT[look]}`} title={`Colours: ${look}`} onClick={turn}><Icon name={look} /></button>
}
