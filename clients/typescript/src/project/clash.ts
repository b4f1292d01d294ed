// Whether what others did clashes with what is waiting here: as [ED5] and [ED12] judge it, before the hub does.
//
// What does not clash follows the confirmed blocks; what does keeps the base that its author saw, so that the hub finds
// the conflict and nothing of others is overwritten unseen.
// Promises: whatever the hub would call a conflict is a clash here.
// Must never: decide an edit; that is the hub's.

import { at, difference, equal, leaves, overlap, parsePointer, type Path } from "../json.js"
import type { Block, EventOp } from "../protocol.js"
import { named, type Pending, type PendingOp } from "./pending.js"

/** Whether an event's op on this block clashes with what an edit wants of it. */
export function clashesWithEvent(edit: Pending, block: string, done: EventOp): boolean {
  if (edit.onConflict === "overwrite") return false
  if (edit.onConflict === "reject") return true
  const mine = edit.ops.filter(op => op.block === block)
  if (done.op === "move") return mine.some(op => op.op === "move" || op.op === "delete")
  if (done.op === "insert" || done.op === "delete") return mine.length > 0
  const paths = done.op === "update" ? leaves(done.patch) : []
  const typed = done.op === "text" ? [parsePointer(done.path)] : []
  return mine.some(
    op =>
      op.op === "delete" ||
      pathsOf(op).some(
        path =>
          paths.some(other => overlap(path, other)) ||
          (op.op === "update" && typed.some(other => overlap(path, other))),
      ),
  )
}

/**
 * Whether a block of a snapshot differs from what an edit was made on where these of its ops change it. Paths that own
 * edits before it change do not count: theirs is the difference, or a conflict of theirs.
 */
export function clashesWithSnapshot(
  edit: Pending,
  ops: readonly PendingOp[],
  seen: Block,
  now: Block | undefined,
  before: readonly Pending[],
): boolean {
  if (now === undefined) return true
  if (edit.onConflict === "overwrite") return ops.some(op => op.op === "text")
  if (edit.onConflict === "reject") return true
  const own = before.flatMap(earlier => earlier.ops.filter(op => op.block === seen.id))
  const ownPaths = own.flatMap(pathsOf)
  const differs = (path: Path) =>
    !equal(at(seen.content, path), at(now.content, path)) && !ownPaths.some(other => overlap(path, other))
  const hasMoved = (seen.parent !== now.parent || seen.position !== now.position) && !own.some(op => op.op === "move")
  const isChanged = hasMoved || leaves(difference(seen.content, now.content)).some(differs)
  return ops.some(op => (op.op === "delete" ? isChanged : op.op === "move" ? hasMoved : pathsOf(op).some(differs)))
}

/** The paths whose content an op changes. */
export function pathsOf(op: PendingOp): Path[] {
  if (op.op === "update") return leaves(op.patch)
  return op.op === "text" ? [op.path] : []
}

/** The edits that can be judged now: none before them touches their blocks or places those they name. In order. */
export function independent(queue: readonly Pending[]): Pending[] {
  const touched = new Set<string>()
  const placed = new Set<string>()
  return queue.filter(edit => {
    const waits = edit.ops.some(op => touched.has(op.block) || named(op).some(id => placed.has(id)))
    for (const op of edit.ops) {
      touched.add(op.block)
      if (op.op !== "update" && op.op !== "text") placed.add(op.block)
    }
    return !waits
  })
}
