// The strings of a project that somebody types in here, each with what it stands on.
//
// A string begins to be tracked with the first change typed in it, and is forgotten when all of that is settled. What is
// typed on a string that an unsaved edit made stands on that edit; when somebody else replaces the string, what was
// typed on it stands on nothing any more, and keeps the text that it was counted on for the hub to judge.
//
// Promises: one string of one block has at most one typing that stands on the confirmed text.
// Must never: let what was typed on one string show on another.

import { textAt, type Path } from "../json.js"
import type { Block, TextChange } from "../protocol.js"
import { Typist } from "./typist.js"

/** What the text is counted on. */
export type Ground = { on: "confirmed" } | { on: "edit"; edit: number } | { on: "nothing" }

export interface Typing {
  readonly block: string
  readonly pointer: string
  readonly path: Path
  readonly typist: Typist
  ground: Ground
}

/** How a shown text changes for another reason than being typed in here. */
export interface TextMove {
  block: string
  pointer: string
  changes: TextChange[]
}

export class Typings {
  /** By block; few at a time, for they are forgotten once settled. */
  readonly #byBlock = new Map<string, Typing[]>()

  of(block: string): readonly Typing[] {
    return this.#byBlock.get(block) ?? []
  }

  begin(block: string, pointer: string, path: Path, text: string, ground: Ground): Typing {
    const typing = { block, pointer, path, typist: new Typist(text), ground }
    this.#byBlock.set(block, [...this.of(block), typing])
    return typing
  }

  /** The one on the confirmed text, if there is one. */
  onConfirmed(block: string, pointer: string): Typing | undefined {
    return this.of(block).find(typing => typing.pointer === pointer && typing.ground.on === "confirmed")
  }

  /** Forgets all but those in use. */
  keep(inUse: ReadonlySet<Typing>): void {
    for (const [block, typings] of this.#byBlock) {
      const kept = typings.filter(typing => inUse.has(typing))
      if (kept.length === 0) this.#byBlock.delete(block)
      else if (kept.length < typings.length) this.#byBlock.set(block, kept)
    }
  }

  all(): Typing[] {
    return [...this.#byBlock.values()].flat()
  }

  /** An edit of ours that made this string is confirmed: what was typed on it stands on the confirmed text now. */
  land(edit: number, block: Block): void {
    for (const typing of this.of(block.id)) {
      if (typing.ground.on !== "edit" || typing.ground.edit !== edit) continue
      const text = textAt(block.content, typing.path)
      typing.ground = text === undefined ? { on: "nothing" } : { on: "confirmed" }
      if (text !== undefined && text !== typing.typist.confirmed()) typing.typist.takesSnapshot(text, null)
    }
  }

  /** Somebody else replaced, or removed, what stands at these strings. */
  uproot(block: string, isReplaced: (path: Path) => boolean): void {
    for (const typing of this.of(block))
      if (typing.ground.on === "confirmed" && isReplaced(typing.path)) typing.ground = { on: "nothing" }
  }
}
