// Changes of others that wait while a word is composed, as phones and many languages do with every word: whoever
// changes the text under a composition breaks it.
//
// Promises: what is typed meanwhile goes out at once, counted on the text with the waiting changes in it.
// Must never: outlive the composition; then all of it is shown.

import type { TextChange } from "@blockhub/client"
import { shift } from "@blockhub/client"
import { behind } from "./changes"

export class Held {
  private batches: (readonly TextChange[])[] = []

  /** Others changed the text. */
  hold(changes: readonly TextChange[]): void {
    this.batches.push(changes)
  }

  /** What is typed here, counted on what is shown; answers it counted on the text with what waits. */
  pass(typed: readonly TextChange[]): readonly TextChange[] {
    let out = typed
    this.batches = this.batches.map((batch) => {
      const waiting = behind(batch, out)
      out = behind(out, batch)
      return waiting
    })
    return out
  }

  /** Where a caret stands once all that waits is shown. */
  carry(at: number): number {
    return this.batches.reduce((place, batch) => shift(place, batch, "before"), at)
  }

  clear(): void {
    this.batches = []
  }
}
