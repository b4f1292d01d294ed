// Which block has the keyboard, and how to give it to another.
//
// Promises: a block that is asked for before it is on the page gets the keyboard when it comes.
// Must never: take the keyboard for a block that somebody else made.

import type { Spot } from "./commands"

/** Where in a block: a place in its text, or the nearest to `x` on its first or last line. */
export type Aim = number | { readonly x: number; readonly line: "first" | "last" }

export interface Focusable {
  focus(aim: Aim): void
  /** The selection, while this block has the keyboard. */
  selection(): { readonly at: number; readonly end: number } | null
  select(at: number, end: number): void
  /** Types this, where text can be typed. */
  insert?(text: string): void
}

/** What had the keyboard, to be given it back. */
export interface Holding {
  readonly block: string
  readonly at: number
  readonly end: number
}

/** An undo is done within this time, or the keyboard stays where the browser puts it. */
const PASS_ON_MS = 2_000

export class Focus {
  private readonly blocks = new Map<string, Focusable>()
  private passesUntil = 0
  private awaited: { block: string; aim: Aim } | null = null

  /** A block came onto the page; the answer takes it off. */
  add(block: string, focusable: Focusable): () => void {
    this.blocks.set(block, focusable)
    if (this.awaited?.block === block) this.go(block, this.awaited.aim)
    return () => void (this.blocks.get(block) === focusable && this.blocks.delete(block))
  }

  go(block: string, aim: Aim): void {
    const found = this.blocks.get(block)
    this.awaited = found ? null : { block, aim }
    found?.focus(aim)
  }

  /** Where a command says that the caret belongs; null leaves it where it is. */
  follow(spot: Spot | null): void {
    if (spot) this.go(spot.block, spot.at)
  }

  holding(): Holding | null {
    for (const [block, focusable] of this.blocks) {
      const selection = focusable.selection()
      if (selection) return { block, ...selection }
    }
    return null
  }

  /** Types into the block that has the keyboard. */
  insert(text: string): void {
    const held = this.holding()
    if (held) this.blocks.get(held.block)?.insert?.(text)
  }

  /** One's own undo is under way: if it takes the block away that has the keyboard, the one in its place gets it. */
  passOn(): void {
    this.passesUntil = performance.now() + PASS_ON_MS
  }

  /** Gives the keyboard back to a block that lost it when the list `before` became `after`. */
  restore(held: Holding, before: readonly string[], after: readonly string[]): void {
    if (document.activeElement !== document.body || this.awaited) return
    const known = this.blocks.get(held.block)
    if (known) return known.select(held.at, held.end)
    const place = before.indexOf(held.block)
    const heir = after[Math.min(place, after.length - 1)]
    if (place >= 0 && heir !== undefined && performance.now() < this.passesUntil) this.go(heir, held.at)
  }
}
