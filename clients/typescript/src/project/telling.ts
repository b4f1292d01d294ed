// Tells listeners what changed of what one sees.
//
// Promises: each listener is called once per change, after all of it is in place; of a string, it is told the very
// changes that others made, or, where these are not known one by one, the smallest that lead there.
// Must never: tell of one's own typing; tell of anything but "sync" once it has ended.

import type { ProjectKey } from "../api.js"
import { parsePointer, textAt } from "../json.js"
import { Listeners } from "../listeners.js"
import type { Block, TextChange } from "../protocol.js"
import { apply, difference } from "../text/changes.js"
import type { TextMove } from "../text/typing.js"
import type { Change } from "./document.js"

export class Telling {
  readonly keys = new Listeners<ProjectKey>()
  readonly #texts = new Listeners<string, [readonly TextChange[]]>()
  /** The strings that somebody listens to, by block; as many as listeners. */
  readonly #watched = new Map<string, Set<string>>()

  onText(block: string, pointer: string, listener: (changes: readonly TextChange[]) => void): () => void {
    const watched = this.#watched.get(block) ?? new Set()
    this.#watched.set(block, watched.add(pointer))
    const off = this.#texts.on(block + pointer, listener)
    return () => {
      off()
      if (!this.#texts.has(block + pointer)) watched.delete(pointer)
      if (watched.size === 0 && this.#watched.get(block) === watched) this.#watched.delete(block)
    }
  }

  /** Nobody wants to hear of the project any more; of what is unsaved, yes. */
  end(): void {
    this.keys.end("sync")
    this.#texts.end()
    this.#watched.clear()
  }

  blocks(change: Change, now: (id: string) => Block | undefined): void {
    for (const [id, before] of change.before) this.#tellTexts(id, before, now(id), change)
    for (const id of change.before.keys()) this.keys.tell(`block:${id}`)
    for (const parent of change.lists) this.keys.tell(`children:${parent ?? ""}`)
    this.keys.tell("blocks")
  }

  #tellTexts(id: string, before: Block | undefined, after: Block | undefined, { moves, typed }: Change): void {
    for (const pointer of [...(this.#watched.get(id) ?? [])]) {
      if (typed?.ops.some(op => op.op === "text" && op.block === id && op.pointer === pointer)) continue
      const path = parsePointer(pointer)
      const [was, is] = [before && textAt(before.content, path), after && textAt(after.content, path)]
      if (was === undefined || is === undefined || was === is) continue
      const known = moves.filter(move => move.block === id && move.pointer === pointer && move.changes.length > 0)
      for (const changes of leadsTo(was, is, known) ?? [difference(was, is, is.length)])
        this.#texts.tell(id + pointer, changes)
    }
  }
}

/** The moves one after the other, if they make the one string of the other. */
function leadsTo(was: string, is: string, moves: readonly TextMove[]): TextChange[][] | null {
  try {
    const end = moves.reduce((text, move) => apply(text, move.changes), was)
    return end === is ? moves.map(move => move.changes) : null
  } catch {
    return null
  }
}
