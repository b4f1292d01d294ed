// A project's theme, put onto the page.
//
// Promises: only the tokens of tokens.css are set, and all of them are taken back when the project is left or has another
// theme; a theme that cannot be read leaves the page as it comes.
// Must never: keep the document waiting.

import { useEffect } from "react"
import type { Client, Theme } from "@blockhub/client"

const COLORS = [
  "ground", "surface", "sunken", "ink", "muted", "line", "edge", "accent", "accent-strong", "on-accent", "accent-soft",
  "warn", "warn-soft", "wrong", "mark",
]
const FONTS = ["font", "font-head", "font-code"]
const SPACING = ["space", "indent", "gutter", "column", "round", "round-small"]

/** The tokens that a theme sets: custom properties, with their values. */
export function tokensOf({ colors = {}, fonts = {}, spacing = {} }: Theme): [string, string][] {
  const some = <T>(names: string[], values: Record<string, T>, write: (value: T) => string): [string, string][] =>
    names.flatMap((name) => (Object.hasOwn(values, name) ? [[`--${name}`, write(values[name] as T)]] : []))
  return [...some(COLORS, colors, String), ...some(FONTS, fonts, String), ...some(SPACING, spacing, (pixels) => `${pixels}px`)]
}

/** Shows the theme of this id for as long as the component is there. */
export function useTheme(client: Client, id: string | null): void {
  useEffect(() => {
    if (id === null) return
    const { style } = document.documentElement
    let tokens: [string, string][] = []
    let life: "on" | "over" = "on"
    const show = (theme: Theme): void => {
      if (life === "over") return
      tokens = tokensOf(theme)
      tokens.forEach(([name, value]) => style.setProperty(name, value))
    }
    client.readTheme(id).then(show, () => {})
    return () => {
      life = "over"
      tokens.forEach(([name]) => style.removeProperty(name))
    }
  }, [client, id])
}
