// A conflict as the application sees it, and what becomes of the edit when it is settled.
//
// Promises: "mine" goes out as an edit that overwrites the versions that the hub named, "merged" as an update to the
// given contents on those versions; what was not in conflict goes along unchanged.
// Must never: send the old message again: its `editId` has been answered.

import type { Conflict, ConflictBlock, Settlement } from "../api.js"
import { difference, patchOf, patched } from "../json.js"
import type { Block, ConflictReply, JsonObject, OpConflict } from "../protocol.js"
import { apply } from "../text/changes.js"
import type { Document } from "./document.js"
import { AT_ONCE, heldBase, type Base, type Pending, type PendingOp } from "./pending.js"

/** Both sides, block by block. `edit`: the own edit; null for an undo, which has no side of its own. */
export function describe(reply: ConflictReply, edit: Pending | null, document: Document): Conflict {
  const blocks = [...new Set(reply.conflicts.map(conflict => conflict.block))]
  const of = (block: string) => reply.conflicts.filter(conflict => conflict.block === block)
  return { edit: reply.editId, blocks: blocks.map(block => side(of(block), edit, document)) }
}

function side(conflicts: readonly OpConflict[], edit: Pending | null, document: Document): ConflictBlock {
  const first = conflicts[0]!
  const theirs = theirsOf(first, document)
  const ops = edit?.ops.filter(op => op.block === first.block) ?? []
  const base = first.base ?? edit?.bases.get(first.block)?.seen?.content
  const paths = [...new Set(conflicts.flatMap(conflict => conflict.paths))]
  const isDelete = ops.some(op => op.op === "delete")
  return {
    block: first.block,
    paths,
    mine: isDelete ? null : wanted(ops, base ?? theirs?.content ?? {}, edit),
    theirs,
    what: isDelete ? "delete" : paths.length > 0 || theirs === null ? "content" : "place",
    ...(base === undefined ? {} : { base }),
    ...(first.changedBy === undefined ? {} : { changedBy: first.changedBy }),
    ...(first.changedAt === undefined ? {} : { changedAt: first.changedAt }),
  }
}

/** The current block; where the hub left it out for its size, the one that is here. */
function theirsOf(conflict: OpConflict, document: Document): Block | null {
  return conflict.current === undefined ? (document.confirmed(conflict.block) ?? null) : conflict.current
}

/** The content as the edit wanted it. */
function wanted(ops: readonly PendingOp[], base: JsonObject, edit: Pending | null): JsonObject {
  return ops.reduce((content, op) => {
    if (op.op === "update") return patched(content, op.patch)
    return op.op === "text" && edit !== null ? patched(content, patchOf(op.path, wantedText(op, edit))) : content
  }, base)
}

/** The string with what was typed: all of it where it stands on nothing any more, else this edit's. */
function wantedText({ typing }: PendingOp & { op: "text" }, edit: Pending): string {
  return typing.ground.on === "nothing"
    ? typing.typist.shown()
    : apply(typing.typist.confirmed(), typing.typist.changesOf(edit.number))
}

/** The edit begins anew as the settlement says; "nothing" if there is nothing left of it. */
export function settle(
  edit: Pending,
  reply: ConflictReply,
  settlement: Settlement & { keep: "mine" | "merged" },
  document: Document,
): "renewed" | "nothing" {
  const clashing = new Map(reply.conflicts.map(conflict => [conflict.block, conflict]))
  const gone = new Set(
    [...clashing.values()].filter(conflict => theirsOf(conflict, document) === null).map(conflict => conflict.block),
  )
  const contents = settlement.keep === "merged" ? settlement.contents : {}
  const ops = edit.ops
    .flatMap(op => settled(op, edit, clashing, contents))
    .filter(op => !gone.has(op.block) && !("parent" in op && op.parent !== null && gone.has(op.parent)))
  for (const [block, content] of Object.entries(contents)) {
    const conflict = clashing.get(block)
    const current = conflict === undefined || gone.has(block) ? null : theirsOf(conflict, document)
    const patch = current === null ? {} : difference(current.content, content)
    if (Object.keys(patch).length > 0) ops.push({ op: "update", block, patch })
  }
  for (const op of edit.ops) if (op.op === "text" && !ops.includes(op)) op.typing.typist.drop(edit.number)
  if (ops.length === 0) return "nothing"
  edit.ops = ops
  edit.onConflict = settlement.keep === "mine" ? "overwrite" : "merge"
  const isOurLog = edit.epoch === document.epoch
  const before = (block: string) => (isOurLog ? edit.bases.get(block) : undefined)
  edit.bases = new Map(
    [...edit.blocks()].map(block => [block, baseAfter(block, clashing.get(block), before(block), document)]),
  )
  edit.epoch = document.epoch
  edit.handle.renew(crypto.randomUUID())
  edit.phase = { phase: "waiting", from: AT_ONCE }
  return "renewed"
}

function settled(
  op: PendingOp,
  edit: Pending,
  clashing: ReadonlyMap<string, OpConflict>,
  contents: Record<string, JsonObject>,
): PendingOp[] {
  if (!clashing.has(op.block)) return [op]
  if (op.block in contents && op.op !== "move") return []
  return op.op === "text" ? [{ op: "update", block: op.block, patch: patchOf(op.path, wantedText(op, edit)) }] : [op]
}

function baseAfter(
  block: string,
  conflict: OpConflict | undefined,
  before: Base | undefined,
  document: Document,
): Base {
  // What came while the conflict was being settled this edit has not been compared with.
  if (conflict === undefined) return before === undefined ? document.baseOf(block) : heldBase(before)
  const seen = theirsOf(conflict, document) ?? undefined
  return { version: conflict.currentVersion, seen, follows: "held" }
}
