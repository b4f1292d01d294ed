// The strings of a project that somebody types in here, each with what it stands on.
//
// A string begins to be tracked with the first change typed in it, and is forgotten when all of that is settled. What is
// typed on a string that an unsaved edit made stands on that edit; when somebody else replaces the string, what was
// typed on it stands on nothing any more, and keeps the text that it was counted on for the hub to judge.
//
// Promises: one string of one block has at most one typing that stands on the confirmed text; `version` is the block's
// whose text the typing is counted on, whatever the base of the edit's other ops is.
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
  /** The block's, whose text this is counted on; of no use while that text is an unsaved edit's. */
  version: number
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

  begin(begun: Pick<Typing, "block" | "pointer" | "path" | "ground" | "version">, text: string): Typing {
    const { block } = begun
    const typing = { ...begun, typist: new Typist(text) }
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
      typing.version = block.version
      if (text !== undefined && text !== typing.typist.confirmed()) typing.typist.takesSnapshot(text, null)
    }
  }

  /** What stands on the confirmed text of a block stands on this version of it now. */
  follow({ id, version }: Block): void {
    for (const typing of this.of(id)) if (typing.ground.on === "confirmed") typing.version = version
  }

  /** Somebody else replaced, or removed, what stands at these strings. */
  uproot(block: string, isReplaced: (path: Path) => boolean): void {
    for (const typing of this.of(block))
      if (typing.ground.on === "confirmed" && isReplaced(typing.path)) typing.ground = { on: "nothing" }
  }
}

/** What one edit typed, taken out of what else is typed in the string: it stands on nothing any more, and that goes on. */
export function apart(typing: Typing, edit: number): Typing {
  const typist = typing.typist.copy()
  typing.typist.drop(edit)
  return { ...typing, typist, ground: { on: "nothing" } }
}
