// An edit as it goes over the wire.
//
// Promises: bases are what the edit's author saw of the confirmed blocks; text changes go with the version of the text
// that they are counted on, which may be a later one. The hub judges each op by its own base ([ED3]).
// Must never: be made twice for one `editId`: what was sent is sent again unchanged.

import type { EditMessage, EditOp } from "../protocol.js"
import type { Pending, PendingOp } from "./pending.js"

export function messageOf(project: string, epoch: string | null, edit: Pending): EditMessage {
  return {
    type: "edit",
    project,
    editId: edit.id,
    ...(edit.group === undefined ? {} : { group: edit.group }),
    ...(epoch === null ? {} : { epoch }),
    onConflict: edit.onConflict,
    ops: edit.ops.flatMap(op => wireOp(edit, op)),
  }
}

function wireOp(edit: Pending, op: PendingOp): EditOp[] {
  const baseVersion = edit.inserts(op.block) ? 0 : (edit.bases.get(op.block)?.version ?? 0)
  switch (op.op) {
    case "insert":
      return [{ op: "insert", block: op.block, kind: op.kind, parent: op.parent, after: op.after, content: op.content }]
    case "update":
      return [{ op: "update", block: op.block, baseVersion, patch: op.patch }]
    case "text": {
      const { typist, version } = op.typing
      const changes = typist.changesOf(edit.number)
      // An edit that rejects whatever came since has its one base for all: letters of others since then reject it.
      const base = edit.inserts(op.block) || edit.onConflict === "reject" ? baseVersion : version
      return changes.length === 0 ? [] : [{ op: "text", block: op.block, baseVersion: base, path: op.pointer, changes }]
    }
    case "move":
      return [{ op: "move", block: op.block, baseVersion, parent: op.parent, after: op.after }]
    case "delete":
      return [{ op: "delete", block: op.block, baseVersion }]
  }
}
