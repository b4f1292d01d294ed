// Where a block goes that is dragged over another.
//
// Promises: pure; never a place inside the block itself.
// Must never: look at the page; it is told what is under the hand.

import type { Block } from "@blockhub/client"
import { beside, isWithin, type Place, type Tree } from "./tree"

export interface Over {
  /** The block whose line is under the hand. */
  readonly block: string
  readonly half: "upper" | "lower"
  /** Whether the hand is so far to the right that it means under this block. */
  readonly inset: "beside" | "under"
}

/** The place for `dragged`; null if it cannot be put there. */
export function placeFor(tree: Tree, dragged: string, over: Over): Place | null {
  const target = tree.block(over.block)
  if (!target || isWithin(tree, target, dragged)) return null
  if (over.half === "upper") return { parent: target.parent, after: above(tree, target, dragged) }
  const hasChildren = tree.children(target.id).some((child) => child.id !== dragged)
  if (hasChildren || over.inset === "under") return { parent: target.id, after: null }
  return { parent: target.parent, after: target.id }
}

/** The sibling above, not counting the one that is taken away. */
function above(tree: Tree, target: Block, dragged: string): string | null {
  const sibling = beside(tree, target, -1)
  return sibling?.id === dragged ? (beside(tree, sibling, -1)?.id ?? null) : (sibling?.id ?? null)
}
