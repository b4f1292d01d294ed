// From a pending edit to its draft, and back.
//
// Promises: a fixed edit comes back as the same message; a waiting one comes back on what its author saw.
// Must never: send anything.

import { parsePointer } from "../json.js"
import type { Document } from "../project/document.js"
import { AT_ONCE, Pending, type EditHandle, type PendingOp, type Phase } from "../project/pending.js"
import type { TextChange } from "../protocol.js"
import { difference, shift } from "../text/changes.js"
import type { DraftEdit, DraftOp } from "./draft.js"

/** An edit on its way to another room, or back from the store: as it is kept, and what an application holds of it. */
export interface Unsaved {
  draft: DraftEdit
  handle: EditHandle
}

export function draftOf(project: string, user: string | null, edit: Pending): DraftEdit {
  return {
    format: 1,
    project,
    edit: edit.id,
    user,
    at: edit.handle.at.getTime(),
    order: edit.number,
    ...(edit.group === undefined ? {} : { group: edit.group }),
    onConflict: edit.onConflict,
    epoch: edit.epoch,
    ops: edit.ops.map((op, index) => draftOp(edit, op, index)),
    bases: [...edit.bases].map(([block, base]) => ({
      block,
      version: base.version,
      seen: base.seen ?? null,
      held: base.follows === "held",
    })),
    sent: edit.phase.phase === "waiting" ? null : edit.phase.message,
  }
}

function draftOp(edit: Pending, op: PendingOp, index: number): DraftOp {
  if (op.op !== "text") return { ...op }
  const { block, pointer: path } = op
  if (edit.phase.phase === "waiting") return { op: "text", block, path, ...op.typing.typist.lastTyped(edit.number) }
  const sent = edit.phase.message.ops.find(each => each.op === "text" && each.block === block && each.path === path)
  return {
    op: "text",
    block,
    path,
    before: edit.phase.texts[index] ?? "",
    changes: sent?.op === "text" ? sent.changes : [],
  }
}

/** Puts edits back as pending, in the order in which they were made, before anything that is pending already. */
export function restore(unsaved: readonly Unsaved[], document: Document): void {
  const later = document.queue.splice(0)
  const first = Math.min(0, ...later.map(edit => edit.number)) - unsaved.length
  const sorted = [...unsaved].sort(({ draft: one }, { draft: other }) => one.at - other.at || one.order - other.order)
  sorted.forEach((each, index) => document.queue.push(pendingOf(each, first + index, document)))
  document.queue.push(...later)
  document.returned()
}

function pendingOf({ draft, handle }: Unsaved, number: number, document: Document): Pending {
  const versions = new Map(draft.bases.map(({ block, version }) => [block, version]))
  const ops = draft.ops.map(op => pendingOp(op, number, document, versions.get(op.block) ?? 0))
  const texts = draft.ops.map(op => (op.op === "text" ? op.before : null))
  const phase: Phase =
    draft.sent === null ? { phase: "waiting", from: AT_ONCE } : { phase: "sent", message: draft.sent, texts }
  const bases = new Map(
    draft.bases.map(({ block, version, seen, held }) => [
      block,
      { version, seen: seen ?? undefined, follows: held ? ("held" as const) : ("confirmed" as const) },
    ]),
  )
  return new Pending({
    number,
    handle,
    group: draft.group,
    onConflict: draft.onConflict,
    ops,
    bases,
    epoch: draft.epoch,
    phase,
  })
}

function pendingOp(op: DraftOp, number: number, document: Document, version: number): PendingOp {
  if (op.op !== "text") return { ...op }
  const { block, path: pointer, before, changes } = op
  const path = parsePointer(pointer)
  const typing = document.typingBackIn({ block, pointer, path, version }, before)
  typing.typist.types(number, moved(changes, difference(before, typing.typist.shown(), before.length)))
  return { op: "text", block, pointer, path, typing }
}

/** Changes counted on one text, as they apply to it with others before them. */
function moved(changes: readonly TextChange[], over: readonly TextChange[]): TextChange[] {
  if (over.length === 0) return [...changes]
  return changes.map(change => {
    const at = shift(change.at, over, "after")
    return { at, delete: Math.max(0, shift(change.at + change.delete, over, "before") - at), insert: change.insert }
  })
}
