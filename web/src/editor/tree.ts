// The way through a project's tree, as one reads it.
//
// Promises: pure; reads a project as it is shown and changes nothing.
// Must never: walk more of the tree than the answer needs.

import type { Block, Project } from "@blockhub/client"

/** What is read of a project. */
export type Tree = Pick<Project, "block" | "children">

export interface Place {
  readonly parent: string | null
  readonly after: string | null
}

/** The block and those beside it. */
export function siblings(tree: Tree, block: Block): readonly Block[] {
  return tree.children(block.parent)
}

/** The neighbour so many places on; undefined beyond the ends. */
export function beside(tree: Tree, block: Block, step: -1 | 1): Block | undefined {
  const list = siblings(tree, block)
  return list[list.findIndex((each) => each.id === block.id) + step]
}

export function parentOf(tree: Tree, block: Block): Block | undefined {
  return block.parent === null ? undefined : tree.block(block.parent)
}

/** The lowest block under this one, or itself: what one reads last of it. */
export function last(tree: Tree, block: Block): Block {
  const child = tree.children(block.id).at(-1)
  return child ? last(tree, child) : block
}

/** What one reads before it. */
export function previous(tree: Tree, block: Block): Block | undefined {
  const sibling = beside(tree, block, -1)
  return sibling ? last(tree, sibling) : parentOf(tree, block)
}

/** What one reads after it. */
export function next(tree: Tree, block: Block): Block | undefined {
  return tree.children(block.id)[0] ?? following(tree, block)
}

/** What one reads after it and all that is under it. */
export function following(tree: Tree, block: Block): Block | undefined {
  for (let at: Block | undefined = block; at; at = parentOf(tree, at)) {
    const sibling = beside(tree, at, 1)
    if (sibling) return sibling
  }
  return undefined
}

/** Whether `inner` is `outer` or stands somewhere under it. */
export function isWithin(tree: Tree, inner: Block, outer: string): boolean {
  for (let at: Block | undefined = inner; at; at = parentOf(tree, at)) if (at.id === outer) return true
  return false
}

/** One place up: before the sibling above, or out of the parent, before it; null at the very top. */
export function up(tree: Tree, block: Block): Place | null {
  const above = beside(tree, block, -1) ?? parentOf(tree, block)
  return above ? { parent: above.parent, after: beside(tree, above, -1)?.id ?? null } : null
}

/** One place down: behind the sibling below, or out of the parent, behind it; null at the very bottom. */
export function down(tree: Tree, block: Block): Place | null {
  const below = beside(tree, block, 1) ?? parentOf(tree, block)
  return below ? { parent: below.parent, after: below.id } : null
}

/** Under the sibling above, as its last; null if there is none. */
export function inward(tree: Tree, block: Block): Place | null {
  const above = beside(tree, block, -1)
  return above ? { parent: above.id, after: tree.children(above.id).at(-1)?.id ?? null } : null
}

/** Out of the parent, right behind it; null at the top. */
export function outward(tree: Tree, block: Block): Place | null {
  const parent = parentOf(tree, block)
  return parent ? { parent: parent.parent, after: parent.id } : null
}
