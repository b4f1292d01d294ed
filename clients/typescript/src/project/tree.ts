// Blocks as an ordered tree, or as a layer over one: what was put here hides what is below.
//
// Promises: blocks are never changed, only replaced, and so are the lists of a tree that is no layer: a list is a new
// one exactly when it changed. Siblings stand in order of position, bytewise.
// Must never: change the tree below a layer.

import { compare } from "../position.js"
import type { Block } from "../protocol.js"

const NONE: readonly Block[] = []

export class Tree {
  readonly #below: Tree | null
  /** Null: taken out here. */
  readonly #blocks = new Map<string, Block | null>()
  readonly #children = new Map<string | null, readonly Block[]>()

  constructor(below: Tree | null = null) {
    this.#below = below
  }

  static of(blocks: readonly Block[]): Tree {
    const tree = new Tree()
    tree.change(new Map(blocks.map(block => [block.id, block])))
    return tree
  }

  get(id: string): Block | undefined {
    const block = this.#blocks.get(id)
    return block === undefined ? this.#below?.get(id) : (block ?? undefined)
  }

  children(parent: string | null): readonly Block[] {
    return this.#children.get(parent) ?? this.#below?.children(parent) ?? NONE
  }

  /** The first child behind a position, or first of all, that is not `except`. */
  next(parent: string | null, position: string | null, except: string | undefined): Block | undefined {
    const list = this.children(parent)
    let index = position === null ? 0 : firstIndex(list, block => compare(block.position, position) <= 0)
    while (list[index] !== undefined && list[index]!.id === except) index++
    return list[index]
  }

  /** The ids of what was put or taken out here; in a tree that is no layer, of everything that was ever here. */
  touched(): Iterable<string> {
    return this.#blocks.keys()
  }

  put(block: Block): void {
    this.change(new Map([[block.id, block]]))
  }

  /** Takes a block out, and everything under it. */
  take(id: string): void {
    this.change(new Map(this.subtree(id).map(block => [block.id, undefined])))
  }

  /** Puts and takes many at once; answers the parents whose lists changed. */
  change(changes: ReadonlyMap<string, Block | undefined>): Set<string | null> {
    const lists = new Map<string | null, Block[]>()
    for (const [id, next] of changes) {
      const before = this.get(id)
      if (before !== undefined) remove(this.#list(before.parent, lists), before)
      if (next !== undefined) insert(this.#list(next.parent, lists), next)
      this.#set(id, next)
    }
    for (const [parent, list] of lists) this.#children.set(parent, list)
    return new Set(lists.keys())
  }

  /** A list to change: a copy, but for a layer's own, which nobody else has seen. */
  #list(parent: string | null, lists: Map<string | null, Block[]>): Block[] {
    const held = lists.get(parent)
    if (held !== undefined) return held
    const own = this.#below === null ? undefined : (this.#children.get(parent) as Block[] | undefined)
    const list = own ?? [...this.children(parent)]
    lists.set(parent, list)
    return list
  }

  #set(id: string, block: Block | undefined): void {
    if (block !== undefined || this.#below !== null) this.#blocks.set(id, block ?? null)
    else this.#blocks.delete(id)
  }

  /** All blocks, depth first. */
  inOrder(): Block[] {
    return this.#walk([...this.children(null)].reverse())
  }

  /** A block and everything under it, parents first; [] if there is no such block. */
  subtree(id: string): Block[] {
    const root = this.get(id)
    return root === undefined ? [] : this.#walk([root])
  }

  #walk(open: Block[]): Block[] {
    const found: Block[] = []
    for (let block = open.pop(); block !== undefined; block = open.pop()) {
      found.push(block)
      const children = this.children(block.id)
      for (let index = children.length - 1; index >= 0; index--) open.push(children[index]!)
    }
    return found
  }

  /** Whether a block is `root` or stands under it. */
  isUnder(id: string | null, root: string): boolean {
    for (let here = id; here !== null; here = this.get(here)?.parent ?? null) if (here === root) return true
    return false
  }
}

function insert(list: Block[], block: Block): void {
  list.splice(indexOf(list, block), 0, block)
}

function remove(list: Block[], block: Block): void {
  list.splice(indexOf(list, block), 1)
}

/** Where a block stands, or would stand. */
function indexOf(list: readonly Block[], block: Block): number {
  return firstIndex(list, other => inOrder(other, block) < 0)
}

/** Of the first that is not before what is looked for; all that are before stand first. */
function firstIndex(list: readonly Block[], isBefore: (block: Block) => boolean): number {
  let [low, high] = [0, list.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (isBefore(list[middle]!)) low = middle + 1
    else high = middle
  }
  return low
}

function inOrder(one: Block, other: Block): number {
  return compare(one.position, other.position) || compare(one.id, other.id)
}
