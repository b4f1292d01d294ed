// Pending ops on top of confirmed blocks: what one sees.
//
// Promises: an op that does not apply (any more) changes nothing; the hub will say what becomes of it.
// Must never: change a confirmed block.

import { equal, patchOf, patched, textAt } from "../json.js"
import { between } from "../position.js"
import type { Block } from "../protocol.js"
import type { PendingOp } from "./pending.js"
import type { Tree } from "./tree.js"

/** Whether the op applies; then it is applied. */
export function applyOp(layer: Tree, op: PendingOp): boolean {
  switch (op.op) {
    case "insert":
      return insert(layer, op)
    case "update":
      return change(layer, op.block, block => ({ ...block, content: patched(block.content, op.patch) }))
    case "text":
      return type(layer, op)
    case "move":
      return move(layer, op)
    case "delete":
      if (layer.get(op.block) === undefined) return false
      layer.take(op.block)
      return true
  }
}

function change(layer: Tree, id: string, to: (block: Block) => Block): boolean {
  const block = layer.get(id)
  if (block === undefined) return false
  layer.put(to(block))
  return true
}

function insert(layer: Tree, op: PendingOp & { op: "insert" }): boolean {
  if (layer.get(op.block) !== undefined || !isThere(layer, op.parent)) return false
  op.near = place(layer, op, null)
  layer.put({ id: op.block, kind: op.kind, parent: op.parent, position: op.near, content: op.content, version: 0 })
  return true
}

function type(layer: Tree, { block: id, path, typing }: PendingOp & { op: "text" }): boolean {
  const block = layer.get(id)
  if (block === undefined || typing.ground.on === "nothing" || textAt(block.content, path) === undefined) return false
  layer.put({ ...block, content: patched(block.content, patchOf(path, typing.typist.shown())) })
  return true
}

function move(layer: Tree, op: PendingOp & { op: "move" }): boolean {
  const block = layer.get(op.block)
  if (block === undefined || !isThere(layer, op.parent) || layer.isUnder(op.parent, op.block)) return false
  op.near = place(layer, op, block)
  layer.put({ ...block, parent: op.parent, position: op.near })
  return true
}

function isThere(layer: Tree, parent: string | null): boolean {
  return parent === null || layer.get(parent) !== undefined
}

/** The position that the hub would give; where `after` is gone, the one given before tells where that was. */
function place(
  layer: Tree,
  { parent, after, near }: { parent: string | null; after: string | null; near: string | null },
  moving: Block | null,
): string {
  const left =
    after === null ? null : (placeOf(layer, after, parent) ?? near ?? layer.children(parent).at(-1)?.position ?? null)
  const right = layer.next(parent, left, moving?.id)?.position ?? null
  const stays =
    moving?.parent === parent &&
    (left === null || moving.position > left) &&
    (right === null || moving.position < right)
  return stays ? moving!.position : between(left, right)
}

function placeOf(layer: Tree, id: string, parent: string | null): string | null {
  const block = layer.get(id)
  return block?.parent === parent ? block.position : null
}

/** Whether two blocks look the same to everybody. */
export function sameBlock(one: Block | undefined, other: Block | undefined): boolean {
  if (one === other) return true
  if (one === undefined || other === undefined) return false
  return (
    one.version === other.version &&
    one.kind === other.kind &&
    one.parent === other.parent &&
    one.position === other.position &&
    equal(one.content, other.content)
  )
}
