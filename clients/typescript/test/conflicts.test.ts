// Conflicts, and what becomes of them.

import { afterEach, beforeEach, expect, test, vi } from "vitest"
import type { Block, Conflict, OpConflict, Settlement } from "../src/index.js"
import { block, BOB, event, idOf, joined, PROJECT, settle, type FakeHub } from "./harness/fake.js"

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }))
afterEach(() => void vi.useRealTimers())

const at = "2026-01-01T00:00:00.000Z"
const theirs = block(1, { text: "theirs", n: 1 }, { version: 5 })

async function conflict(hub: FakeHub, index: number, conflicts: Partial<OpConflict>[]): Promise<void> {
  const { id, editId } = hub.edits()[index]!
  const whole = conflicts.map(each => ({
    op: 0,
    block: idOf(1),
    baseVersion: 1,
    currentVersion: 5,
    current: theirs as Block | null,
    paths: ["/text"],
    changedBy: { id: BOB.id },
    changedAt: at,
    ...each,
  }))
  hub.say({ type: "conflict", id, requestId: "r", project: PROJECT, editId, seq: 5, conflicts: whole })
  await settle()
}

async function clash(settlement?: Settlement) {
  const told: Conflict[] = []
  const all = await joined([block(1, { text: "base", n: 1 }), block(2)])
  if (settlement !== undefined) all.project.onConflict(each => (told.push(each), settlement))
  const edit = all.project.update(idOf(1), { text: "mine" })
  await settle()
  return { ...all, edit, told }
}

test("ed6_the_handler_gets_both_sides_the_base_and_who_changed_it", async () => {
  const { hub, told, edit } = await clash({ keep: "theirs" })
  const { id } = edit
  await conflict(hub, 0, [{ base: { text: "base", n: 1 } }])
  expect(told).toEqual([
    {
      edit: id,
      blocks: [
        {
          block: idOf(1),
          paths: ["/text"],
          base: { text: "base", n: 1 },
          mine: { text: "mine", n: 1 },
          theirs,
          changedBy: { id: "bob" },
          changedAt: at,
          what: "content",
        },
      ],
    },
  ])
})

test("without_a_handler_theirs_is_taken_and_the_edit_is_rejected", async () => {
  const { hub, project, edit } = await clash()
  await conflict(hub, 0, [{}])
  expect([edit.state, project.block(idOf(1))!.content.text, project.sync]).toMatchObject([
    { status: "rejected", code: "conflict" },
    "base",
    { unsaved: 0, edits: [edit] },
  ])
})

test("theirs_drops_the_edit", async () => {
  const { hub, edit } = await clash({ keep: "theirs" })
  await conflict(hub, 0, [{}])
  expect([edit.state.status, hub.edits().length]).toEqual(["rejected", 1])
})

test("mine_overwrites_the_current_version_under_a_new_edit_id", async () => {
  const { hub, edit } = await clash({ keep: "mine" })
  const { id } = edit
  await conflict(hub, 0, [{}])
  expect(hub.edits()[1]).toMatchObject({
    onConflict: "overwrite",
    ops: [{ op: "update", baseVersion: 5, patch: { text: "mine" } }],
  })
  expect([edit.id === id, edit.id]).toEqual([false, hub.edits()[1]!.editId])
  await hub.ack(hub.edits()[1]!, 6)
  expect(edit.state).toEqual({ status: "saved", seq: 6 })
})

test("merged_updates_to_the_given_content_on_the_current_version", async () => {
  const { hub } = await clash({ keep: "merged", contents: { [idOf(1)]: { text: "both" } } })
  await conflict(hub, 0, [{}])
  expect(hub.edits()[1]).toMatchObject({
    onConflict: "merge",
    ops: [{ op: "update", baseVersion: 5, patch: { text: "both", n: null } }],
  })
})

test("until_it_is_settled_what_waits_for_those_blocks_waits_and_the_rest_goes_on", async () => {
  const { hub, project } = await joined([block(1), block(2)])
  let answer: (settlement: Settlement) => void = () => {}
  project.onConflict(() => new Promise<Settlement>(resolve => (answer = resolve)))
  project.update(idOf(1), { text: "mine" })
  await settle()
  project.update(idOf(1), { n: 2 })
  await conflict(hub, 0, [{}])
  project.update(idOf(2), { n: 3 })
  await settle()
  expect(hub.edits().map(({ ops }) => ops[0]!.block)).toEqual([idOf(1), idOf(2)])
  answer({ keep: "theirs" })
  await settle()
  expect(hub.edits()[2]!.ops).toMatchObject([{ patch: { n: 2 } }])
})

test("what_was_deleted_cannot_be_kept_and_the_rest_of_the_edit_goes_on_without_it", async () => {
  const { hub, project } = await joined([block(1), block(2)])
  const told: Conflict[] = []
  project.onConflict(each => (told.push(each), { keep: "mine" }))
  project.edit(tx => (tx.update(idOf(1), { n: 1 }), tx.update(idOf(2), { n: 2 })))
  const alone = project.update(idOf(1), { n: 3 })
  await settle()
  await conflict(hub, 0, [{ current: null, currentVersion: 2 }])
  expect(told[0]!.blocks).toMatchObject([{ theirs: null, mine: { n: 1 } }])
  expect(hub.edits()[1]!.ops).toMatchObject([{ op: "update", block: idOf(2), baseVersion: 1 }])
  await conflict(hub, 1, [{ block: idOf(2), current: null }])
  expect(hub.edits()[2]!.ops).toMatchObject([{ block: idOf(1), patch: { n: 3 } }])
  await conflict(hub, 2, [{ current: null }])
  expect(alone.state).toMatchObject({ status: "rejected", code: "conflict" })
})

test("a_delete_that_conflicts_is_a_matter_of_deleting", async () => {
  const { hub, project } = await joined([block(1)])
  const told: Conflict[] = []
  project.onConflict(each => (told.push(each), { keep: "mine" }))
  project.delete(idOf(1))
  await settle()
  await conflict(hub, 0, [{ paths: [] }])
  expect([told[0]!.blocks[0], hub.edits()[1]]).toMatchObject([
    { what: "delete", mine: null },
    { onConflict: "overwrite", ops: [{ op: "delete", baseVersion: 5 }] },
  ])
})

test("two_moves_clash_about_the_place", async () => {
  const { hub, project } = await joined([block(1), block(2)])
  const told: Conflict[] = []
  project.onConflict(each => (told.push(each), { keep: "mine" }))
  project.move(idOf(1), { parent: null, after: idOf(2) })
  await settle()
  await conflict(hub, 0, [{ paths: [] }])
  expect([told[0]!.blocks[0]!.what, hub.edits()[1]]).toMatchObject([
    "place",
    { ops: [{ op: "move", baseVersion: 5, after: idOf(2) }] },
  ])
})

test("ed12_typing_on_a_string_that_somebody_replaced_conflicts_and_mine_is_all_that_was_typed", async () => {
  const { hub, project } = await joined([block(1, { text: "base" })])
  project.onConflict(({ blocks }) => (expect(blocks[0]!.mine).toEqual({ text: "base12" }), { keep: "mine" }))
  const first = project.text(idOf(1), "/text", [{ at: 4, delete: 0, insert: "1" }])
  await vi.advanceTimersByTimeAsync(100)
  const second = project.text(idOf(1), "/text", [{ at: 5, delete: 0, insert: "2" }])
  await hub.event(event(2, [{ op: "update", block: idOf(1), version: 2, patch: { text: "theirs" } }]))
  expect(project.block(idOf(1))!.content.text).toBe("theirs")
  await conflict(hub, 0, [
    { currentVersion: 2, current: block(1, { text: "theirs" }, { version: 2 }), base: { text: "base" } },
  ])
  expect(project.block(idOf(1))!.content.text).toBe("base12")
  expect(hub.edits()[1]).toMatchObject({
    onConflict: "overwrite",
    ops: [{ op: "update", baseVersion: 2, patch: { text: "base12" } }],
  })
  await hub.ack(hub.edits()[1]!, 3)
  await settle()
  expect([first.state, second.state, project.sync.unsaved]).toEqual([
    { status: "saved", seq: 3 },
    { status: "saved", seq: 3 },
    0,
  ])
})

test("an_unknown_base_conflicts_without_base_and_mine_is_told_from_what_was_seen", async () => {
  const { hub, told } = await clash({ keep: "theirs" })
  await conflict(hub, 0, [{}])
  expect(told[0]!.blocks[0]).toMatchObject({ base: { text: "base", n: 1 }, mine: { text: "mine", n: 1 } })
})

test("ed13_what_goes_along_with_a_settled_conflict_is_counted_on_the_text_as_it_is_by_then", async () => {
  let settleIt = (_: Settlement): void => {}
  const { hub, project } = await joined([block(1, { n: 1 }), block(2, { text: "ab" })])
  project.onConflict(() => new Promise(done => (settleIt = done)))
  project.edit(tx => {
    tx.update(idOf(1), { n: 2 })
    tx.text(idOf(2), "/text", [{ at: 2, delete: 0, insert: "!" }])
  })
  await settle()
  await conflict(hub, 0, [{ paths: ["/n"] }])
  const changes = [{ at: 0, delete: 0, insert: "theirs " }]
  await hub.event(event(2, [{ op: "text", block: idOf(2), version: 2, path: "/text", changes }]))
  settleIt({ keep: "mine" })
  await settle()
  expect(hub.edits()[1]!.ops[1]).toEqual({
    op: "text",
    block: idOf(2),
    baseVersion: 2,
    path: "/text",
    changes: [{ at: 9, delete: 0, insert: "!" }],
  })
})

test("ed14_a_conflict_that_is_settled_after_the_history_was_rewritten_is_judged_anew", async () => {
  let settleIt = (_: Settlement): void => {}
  const { hub, client, project } = await joined([block(1, { text: "base", n: 1 })])
  project.onConflict(() => new Promise(done => (settleIt = done)))
  const edit = project.update(idOf(1), { text: "mine" })
  const { id } = edit
  await settle()
  await conflict(hub, 0, [{}])
  await hub.close(1006)
  client.reconnect()
  await hub.welcome()
  await hub.joined(9, [block(1, { text: "other" }, { version: 5 })], { epoch: "e-2" })
  settleIt({ keep: "mine" })
  await settle()
  expect(hub.edits()).toMatchObject([{ editId: id, epoch: "e-1", onConflict: "merge", ops: [{ baseVersion: 1 }] }])
})
