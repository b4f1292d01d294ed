// What an application wants to change, gathered into one edit.
//
// Promises: each op is tried on what one sees with the ops before it; the first that does not apply is thrown as a
// Refused and nothing of the edit stays.
// Must never: hand over ops that the hub takes for invalid where that can be known here ([ED11] above all).

import type { InsertBlock, Transaction } from "../api.js"
import { combined, leaves, overlap, parsePointer, patched, patchOf, textAt, type Path } from "../json.js"
import type { Block, JsonObject, TextChange } from "../protocol.js"
import { apply } from "../text/changes.js"
import type { Document } from "./document.js"
import { applyOp } from "./layer.js"
import type { PendingOp } from "./pending.js"

/** An op breaks a rule. */
export class Refused extends Error {}

export class Gathering implements Transaction {
  readonly ops: PendingOp[] = []
  readonly #document: Document
  readonly #number: number
  readonly #scratch

  constructor(document: Document, number: number) {
    this.#document = document
    this.#number = number
    this.#scratch = document.scratch()
  }

  insert({ id, kind, parent = null, after = null, content = {} }: InsertBlock): string {
    const block = (id ?? crypto.randomUUID()).toLowerCase()
    if (this.#scratch.get(block) !== undefined) throw new Refused("There is a block of this id.")
    this.#checkSibling(parent, after)
    this.#push({ op: "insert", block, kind, parent, after, content: patched({}, content), near: null })
    return block
  }

  update(block: string, patch: JsonObject): void {
    this.#block(block)
    const insert = this.#insertOf(block)
    if (insert !== undefined) {
      insert.content = patched(insert.content, patch)
      return this.#put(block, content => patched(content, patch))
    }
    const paths = leaves(patch)
    this.#takeOut(op => op.op === "text" && op.block === block && paths.some(path => overlap(path, op.path)))
    this.#push({ op: "update", block, patch })
  }

  text(block: string, pointer: string, changes: readonly TextChange[]): void {
    const path = pathOf(pointer)
    const before = textAt(this.#block(block).content, path)
    if (before === undefined) throw new Refused(`There is no text at ${pointer}.`)
    const after = applied(before, changes)
    const insert = this.#insertOf(block)
    if (insert !== undefined) insert.content = patched(insert.content, patchOf(path, after))
    else if (!this.#joinsUpdate(block, path, after)) this.#type(block, pointer, path, before, changes)
    this.#put(block, content => patched(content, patchOf(path, after)))
  }

  move(block: string, { parent, after }: { parent: string | null; after: string | null }): void {
    this.#block(block)
    if (after === block || this.#scratch.isUnder(parent, block))
      throw new Refused("A block cannot stand under or behind itself.")
    this.#checkSibling(parent, after)
    this.#push({ op: "move", block, parent, after, near: null })
  }

  delete(block: string): void {
    this.#block(block)
    this.#push({ op: "delete", block })
  }

  /** Nothing of it is to be. */
  takeBack(): void {
    this.#takeOut(() => true)
  }

  #push(op: PendingOp): void {
    if (!applyOp(this.#scratch, op)) throw new Refused("The parent is not there.")
    this.ops.push(op)
  }

  #block(id: string): Block {
    const block = this.#scratch.get(id)
    if (block === undefined) throw new Refused("There is no such block.")
    return block
  }

  #put(id: string, change: (content: JsonObject) => JsonObject): void {
    const block = this.#block(id)
    this.#scratch.put({ ...block, content: change(block.content) })
  }

  #checkSibling(parent: string | null, after: string | null): void {
    if (after !== null && this.#block(after).parent !== parent) throw new Refused("`after` is not a child of `parent`.")
  }

  #insertOf(block: string): (PendingOp & { op: "insert" }) | undefined {
    return this.ops.find(op => op.op === "insert" && op.block === block) as (PendingOp & { op: "insert" }) | undefined
  }

  /** A string that the same edit sets is set to the text typed in it. */
  #joinsUpdate(block: string, path: Path, text: string): boolean {
    const update = this.ops.findLast(
      op => op.op === "update" && op.block === block && leaves(op.patch).some(leaf => overlap(leaf, path)),
    )
    if (update?.op !== "update") return false
    update.patch = combined(update.patch, patchOf(path, text))
    return true
  }

  #type(block: string, pointer: string, path: Path, before: string, changes: readonly TextChange[]): void {
    const held = this.ops.find(op => op.op === "text" && op.block === block && op.pointer === pointer)
    const typing = held?.op === "text" ? held.typing : this.#document.typingIn(block, pointer, path, before)
    typing.typist.types(this.#number, changes)
    if (held === undefined) this.ops.push({ op: "text", block, pointer, path, typing })
  }

  #takeOut(goes: (op: PendingOp) => boolean): void {
    for (const op of this.ops.filter(goes)) {
      if (op.op === "text") op.typing.typist.drop(this.#number)
      this.ops.splice(this.ops.indexOf(op), 1)
    }
  }
}

function pathOf(pointer: string): Path {
  try {
    return parsePointer(pointer)
  } catch (error) {
    throw new Refused(String((error as Error).message))
  }
}

function applied(text: string, changes: readonly TextChange[]): string {
  try {
    return apply(text, changes)
  } catch (error) {
    throw new Refused(String((error as Error).message))
  }
}
