// Editing, as one sees it and as it is sent, on a hub that the test plays.

import { afterEach, beforeEach, expect, test, vi } from "vitest"
import type { Block } from "../src/index.js"
import { block, event, idOf, joined, settle } from "./harness/fake.js"

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }))
afterEach(() => void vi.useRealTimers())

const typed = (at: number, insert: string, remove = 0) => [{ at, delete: remove, insert }]
const textOf = (seen: Block | undefined) => seen?.content.text

test("an_edit_shows_at_once_and_is_saved_when_it_is_acked", async () => {
  const { hub, project } = await joined([block(1)])
  const edit = project.update(idOf(1), { color: "red" })
  expect(project.block(idOf(1))).toEqual({ ...block(1), content: { text: "text 1", color: "red" } })
  expect(project.sync).toMatchObject({ unsaved: 1, since: edit.at, edits: [edit] })
  await settle()
  expect(hub.edits()).toMatchObject([
    {
      editId: edit.id,
      epoch: "e-1",
      onConflict: "merge",
      ops: [{ op: "update", block: idOf(1), baseVersion: 1, patch: { color: "red" } }],
    },
  ])
  await hub.ack(hub.edits()[0]!, 2)
  expect([edit.state, await edit.saved]).toEqual([{ status: "saved", seq: 2 }, { seq: 2 }])
  expect(project.sync).toMatchObject({ unsaved: 0, since: null, edits: [] })
  await hub.event(event(2, [{ op: "update", block: idOf(1), version: 2, patch: { color: "red" } }], edit.id))
  expect([project.seq, project.block(idOf(1))!.version]).toEqual([2, 2])
})

test("ed3_a_block_has_one_unanswered_edit_and_others_go_at_once", async () => {
  const { hub, project } = await joined([block(1), block(2)])
  const first = project.update(idOf(1), { a: 1 })
  project.update(idOf(1), { a: 2 })
  project.update(idOf(2), { b: 1 })
  await settle()
  expect(hub.edits().map(({ ops }) => ops[0]!.block)).toEqual([idOf(1), idOf(2)])
  await hub.ack(hub.edits()[0]!, 2)
  expect(hub.edits().length).toBe(2)
  await hub.event(event(2, [{ op: "update", block: idOf(1), version: 2, patch: { a: 1 } }], first.id))
  expect(hub.edits()[2]!.ops).toEqual([{ op: "update", block: idOf(1), baseVersion: 2, patch: { a: 2 } }])
  expect(project.block(idOf(1))!.content).toEqual({ text: "text 1", a: 2 })
})

test("ed13_typing_goes_after_100_ms_and_what_is_typed_meanwhile_goes_as_the_next_one", async () => {
  const { hub, project } = await joined([block(1, { text: "ab" })])
  const first = project.text(idOf(1), "/text", typed(2, "c"))
  expect(project.text(idOf(1), "/text", typed(3, "d"))).toBe(first)
  await vi.advanceTimersByTimeAsync(99)
  expect(hub.edits().length).toBe(0)
  await vi.advanceTimersByTimeAsync(1)
  expect(hub.edits()[0]!.ops).toEqual([
    { op: "text", block: idOf(1), baseVersion: 1, path: "/text", changes: typed(2, "cd") },
  ])
  project.text(idOf(1), "/text", typed(4, "e"))
  project.text(idOf(1), "/text", typed(5, "f"))
  await vi.advanceTimersByTimeAsync(1_000)
  expect([hub.edits().length, textOf(project.block(idOf(1)))]).toEqual([1, "abcdef"])
  await hub.event(
    event(2, [{ op: "text", block: idOf(1), version: 2, path: "/text", changes: typed(2, "cd") }], first.id),
  )
  expect(hub.edits()[1]!.ops).toEqual([
    { op: "text", block: idOf(1), baseVersion: 2, path: "/text", changes: typed(4, "ef") },
  ])
})

test("ed13_letters_of_others_appear_beside_ones_own_and_the_changes_are_told_for_carets", async () => {
  const { hub, project } = await joined([block(1, { text: "ab" })])
  const told: unknown[] = []
  project.onText(idOf(1), "/text", changes => told.push(changes))
  project.text(idOf(1), "/text", typed(1, "MINE"))
  await hub.event(event(2, [{ op: "text", block: idOf(1), version: 2, path: "/text", changes: typed(1, "x") }]))
  expect([textOf(project.block(idOf(1))), told]).toEqual(["aMINExb", [typed(5, "x")]])
})

test("ed13_typing_and_deleting_it_again_sends_nothing_and_counts_as_saved", async () => {
  const { hub, project } = await joined([block(1, { text: "ab" })])
  const edit = project.text(idOf(1), "/text", typed(1, "xyz"))
  project.text(idOf(1), "/text", typed(1, "", 3))
  await vi.advanceTimersByTimeAsync(100)
  expect([hub.edits(), edit.state, textOf(project.block(idOf(1)))]).toEqual([[], { status: "saved", seq: 1 }, "ab"])
  expect([project.undoable, await project.undo()]).toEqual([false, { done: "nothing" }])
})

test("ed13_typing_does_not_wait_its_time_when_something_else_waits_for_it", async () => {
  const { hub, project } = await joined([block(1, { text: "ab" })])
  project.text(idOf(1), "/text", typed(2, "c"))
  project.update(idOf(1), { done: true })
  await settle()
  expect(hub.edits().map(({ ops }) => ops[0]!.op)).toEqual(["text"])
})

test("ed8_a_pending_insert_keeps_its_place_when_the_block_before_it_goes", async () => {
  const { hub, project } = await joined([block(1), block(2), block(3)])
  const insert = project.insert({ kind: "text", after: idOf(1) })
  await hub.event(event(2, [{ op: "delete", blocks: [idOf(1)] }]))
  expect(project.children(null).map(({ id }) => id)).toEqual([insert.block, idOf(2), idOf(3)])
})

test("a_block_that_an_unsaved_insert_made_can_be_edited_and_what_is_done_to_it_waits", async () => {
  const { hub, project } = await joined()
  const insert = project.insert({ kind: "text", content: { text: "new" } })
  project.text(insert.block, "/text", typed(3, "er"))
  const child = project.insert({ kind: "text", parent: insert.block, content: { text: "child" } })
  expect([textOf(project.block(insert.block)), project.children(insert.block).map(({ id }) => id)]).toEqual([
    "newer",
    [child.block],
  ])
  await vi.advanceTimersByTimeAsync(500)
  expect(hub.edits().length).toBe(1)
  await hub.event(
    event(
      2,
      [
        {
          op: "insert",
          block: { id: insert.block, kind: "text", parent: null, position: "a0", content: { text: "new" }, version: 1 },
        },
      ],
      insert.id,
    ),
  )
  expect(
    hub
      .edits()
      .slice(1)
      .map(({ ops }) => ops[0]),
  ).toMatchObject([
    { op: "text", baseVersion: 1, changes: typed(3, "er") },
    { op: "insert", parent: insert.block },
  ])
})

test("ed8_an_insert_and_a_move_show_at_the_place_they_will_have", async () => {
  const { hub, project } = await joined([block(1), block(2), block(3)])
  const insert = project.insert({ kind: "text", after: idOf(1) })
  project.move(idOf(1), { parent: null, after: idOf(3) })
  expect(project.children(null).map(({ id, position }) => [id, position])).toEqual([
    [insert.block, "a1V"],
    [idOf(2), "a2"],
    [idOf(3), "a3"],
    [idOf(1), "a4"],
  ])
  await settle()
  expect(hub.edits()[0]!.ops).toMatchObject([{ op: "insert", parent: null, after: idOf(1), content: {} }])
})

test("the_ops_of_one_edit_go_together_and_are_folded_where_the_hub_would_refuse_them", async () => {
  const { hub, project } = await joined([block(1, { text: "one two" })])
  project.edit(tx => {
    tx.text(idOf(1), "/text", typed(3, "", 4))
    const id = tx.insert({ kind: "text", after: idOf(1), content: { text: "tw" } })
    tx.text(id, "/text", typed(2, "o"))
    tx.update(id, { done: true })
    tx.update(idOf(1), { color: "red" })
    tx.text(idOf(1), "/text", typed(0, "> "))
  })
  await settle()
  expect(hub.edits()[0]!.ops).toMatchObject([
    {
      op: "text",
      block: idOf(1),
      changes: [
        { at: 0, delete: 0, insert: "> " },
        { at: 3, delete: 4, insert: "" },
      ],
    },
    { op: "insert", content: { text: "two", done: true } },
    { op: "update", block: idOf(1), patch: { color: "red" } },
  ])
  expect(project.children(null).map(textOf)).toEqual(["> one", "two"])
})

test("ed11_a_string_set_and_typed_in_by_one_edit_is_set_to_the_end_of_it", async () => {
  const { hub, project } = await joined([block(1, { text: "old" })])
  project.edit(tx => {
    tx.text(idOf(1), "/text", typed(0, "lost "))
    tx.update(idOf(1), { text: "new" })
    tx.text(idOf(1), "/text", typed(3, "er"))
  })
  await settle()
  expect(hub.edits()[0]!.ops).toMatchObject([{ op: "update", patch: { text: "newer" } }])
  expect(textOf(project.block(idOf(1)))).toBe("newer")
})

test("what_breaks_a_rule_is_rejected_and_nothing_of_it_shows", async () => {
  const { hub, project } = await joined([block(1), block(2, {}, { parent: idOf(1) })])
  const shown = project.blocks
  const edits = [
    project.update(idOf(9), {}),
    project.text(idOf(1), "/none", typed(0, "x")),
    project.text(idOf(1), "/text", typed(99, "x")),
    project.move(idOf(1), { parent: idOf(2), after: null }),
    project.insert({ kind: "text", after: idOf(2) }),
    project.edit(tx => (tx.text(idOf(1), "/text", typed(0, "x")), tx.delete(idOf(9)))),
  ]
  for (const edit of edits) expect(edit.state).toMatchObject({ status: "rejected", code: "invalid_edit" })
  await vi.advanceTimersByTimeAsync(200)
  expect([project.blocks, hub.edits(), project.sync.unsaved, project.sync.edits.length]).toEqual([
    shown,
    [],
    0,
    edits.length,
  ])
  await expect(edits[0]!.saved).rejects.toMatchObject({ name: "EditRejected", code: "invalid_edit" })
})

test("what_the_hub_rejects_is_taken_back_with_all_that_was_built_on_it", async () => {
  const { hub, project } = await joined()
  const insert = project.insert({ kind: "text", content: { text: "a" } })
  const later = project.text(insert.block, "/text", typed(1, "b"))
  await settle()
  await hub.refuse(hub.edits()[0]!.id, "forbidden")
  expect([insert.state, later.state]).toMatchObject([
    { status: "rejected", code: "forbidden" },
    { status: "rejected", code: "forbidden" },
  ])
  expect([project.blocks, project.sync.unsaved]).toEqual([[], 0])
})

test("what_was_typed_on_a_string_that_an_unsaved_edit_set_waits_for_it_and_goes_with_it", async () => {
  const { hub, project } = await joined([block(1, { text: "old" }), block(2, { text: "old" })])
  for (const number of [1, 2]) project.update(idOf(number), { text: "new" })
  const typing = [1, 2].map(number => project.text(idOf(number), "/text", typed(3, "er")))
  expect(project.blocks.map(textOf)).toEqual(["newer", "newer"])
  await vi.advanceTimersByTimeAsync(200)
  expect(hub.edits().length).toBe(2)
  const [first, second] = hub.edits()
  await hub.event(event(2, [{ op: "update", block: idOf(1), version: 2, patch: { text: "new" } }], first!.editId))
  expect(hub.edits()[2]!.ops).toMatchObject([{ op: "text", baseVersion: 2, changes: typed(3, "er") }])
  await hub.refuse(second!.id, "forbidden")
  expect([typing.map(({ state }) => state.status), project.blocks.map(textOf)]).toEqual([
    ["pending", "rejected"],
    ["newer", "old"],
  ])
})

test("ed5_pending_is_reapplied_on_what_others_do_and_what_does_not_apply_any_more_is_not_shown", async () => {
  const { hub, project } = await joined([block(1, { text: "a", n: 1 }), block(2)])
  project.update(idOf(1), { color: "red" })
  project.update(idOf(2), { color: "red" })
  await hub.event(event(2, [{ op: "update", block: idOf(1), version: 2, patch: { n: 2 } }]))
  await hub.event(event(3, [{ op: "delete", blocks: [idOf(2)] }]))
  expect([project.block(idOf(1))!.content, project.block(idOf(2))]).toEqual([
    { text: "a", n: 2, color: "red" },
    undefined,
  ])
})

test("ed5_what_waits_keeps_its_base_when_others_change_the_same_and_follows_when_they_do_not", async () => {
  const { hub, client, project } = await joined([block(1, { a: 1, b: 1 }), block(2, { a: 1, b: 1 })])
  await hub.close(1006)
  project.update(idOf(1), { a: 2 })
  project.update(idOf(2), { a: 2 })
  client.reconnect()
  await hub.welcome()
  await hub.recovered(3, [
    event(2, [{ op: "update", block: idOf(1), version: 2, patch: { a: 3 } }]),
    event(3, [{ op: "update", block: idOf(2), version: 2, patch: { b: 3 } }]),
  ])
  expect(hub.edits().map(({ ops }) => ops[0])).toMatchObject([
    { block: idOf(1), baseVersion: 1 },
    { block: idOf(2), baseVersion: 2 },
  ])
})

test("busy_and_limited_edits_go_again_after_their_time_and_nothing_new_goes_before_it", async () => {
  const { hub, project } = await joined([block(1), block(2)])
  const edit = project.update(idOf(1), { a: 1 })
  await settle()
  await hub.refuse(hub.edits()[0]!.id, "rate_limited", 3_000)
  project.update(idOf(2), { a: 1 })
  await vi.advanceTimersByTimeAsync(2_999)
  expect(hub.edits().length).toBe(1)
  await vi.advanceTimersByTimeAsync(1)
  const { id: _first, ...first } = hub.edits()[0]!
  expect(hub.edits()).toMatchObject([{ editId: edit.id }, first, { ops: [{ block: idOf(2) }] }])
})

test("what_was_put_off_does_not_go_before_its_time_because_the_connection_was_lost_and_made_again", async () => {
  const { hub, client, project } = await joined([block(1)])
  project.update(idOf(1), { a: 1 })
  await settle()
  await hub.refuse(hub.edits()[0]!.id, "rate_limited", 9_000)
  await hub.close(1006)
  client.reconnect()
  await hub.welcome()
  await hub.recovered(1, [])
  await vi.advanceTimersByTimeAsync(8_000)
  expect(hub.edits()).toEqual([])
  await vi.advanceTimersByTimeAsync(1_000)
  expect(hub.edits().length).toBe(1)
})

test("an_internal_error_is_asked_about_with_the_same_edit", async () => {
  const { hub, project } = await joined([block(1)])
  const edit = project.update(idOf(1), { a: 1 })
  await settle()
  await hub.refuse(hub.edits()[0]!.id, "internal")
  await vi.advanceTimersByTimeAsync(600)
  await hub.ack(hub.edits()[1]!, 2, { duplicate: true })
  expect([hub.edits()[1]!.editId, edit.state]).toEqual([edit.id, { status: "saved", seq: 2 }])
})

test("not_joined_joins_again_and_the_edit_follows", async () => {
  const { hub, project } = await joined([block(1)])
  project.update(idOf(1), { a: 1 })
  await settle()
  await hub.refuse(hub.edits()[0]!.id, "not_joined")
  expect(hub.sent("join").length).toBe(2)
  await hub.recovered(1, [])
  expect(hub.edits()[1]!.editId).toBe(hub.edits()[0]!.editId)
})

test("too_large_an_edit_is_not_sent_and_a_socket_closed_over_one_comes_back_without_it", async () => {
  const { hub, project } = await joined([block(1), block(2)])
  const large = project.update(idOf(1), { text: "x".repeat(300_000) })
  const fatal = project.update(idOf(2), { text: "y".repeat(1_000) })
  await settle()
  expect([large.state, hub.edits().length]).toMatchObject([{ status: "rejected", code: "too_large" }, 1])
  await hub.close(1009)
  await vi.advanceTimersByTimeAsync(250)
  await hub.welcome()
  await hub.recovered(1, [])
  expect([fatal.state, hub.edits()]).toMatchObject([{ status: "rejected", code: "too_large" }, []])
})

test("a_viewer_edits_nothing", async () => {
  const { hub, project } = await joined([block(1)])
  hub.say({ type: "role", project: project.id, role: "viewer" })
  expect(project.update(idOf(1), {}).state).toMatchObject({ status: "rejected", code: "forbidden" })
  expect(project.role).toBe("viewer")
})

test("performance_an_event_touches_only_what_it_changes", async () => {
  const many = Array.from({ length: 2_000 }, (_, index) =>
    block(
      index,
      { text: "x" },
      { position: `b${String(index).padStart(2, "0")}`.slice(0, 3) + (index > 99 ? String(index) + "V" : "") },
    ),
  )
  const parented = many.map((each, index) => (index < 1_000 ? each : { ...each, parent: idOf(index % 10) }))
  const { hub, project } = await joined(parented)
  const before = project.blocks
  const lists = [null, ...Array.from({ length: 10 }, (_, index) => idOf(index))].map(
    parent => [parent, project.children(parent)] as const,
  )
  const told: string[] = []
  for (const { id } of before) project.on(`block:${id}`, () => told.push(id))
  for (const [parent] of lists) project.on(`children:${parent ?? ""}`, () => told.push(`children ${parent}`))
  const target = project.children(idOf(3))[5]!
  await hub.event(event(2, [{ op: "update", block: target.id, version: 2, patch: { a: 1 } }]))
  expect(told).toEqual([target.id, `children ${idOf(3)}`])
  for (const [parent, list] of lists) expect(project.children(parent) === list).toBe(parent !== idOf(3))
  for (const each of before) expect(project.block(each.id) === each).toBe(each.id !== target.id)
})

test("snapshots_of_state_are_new_exactly_when_they_changed", async () => {
  const { hub, project } = await joined([block(1), block(2)])
  const [sync, one, two, list] = [project.sync, project.block(idOf(1)), project.block(idOf(2)), project.children(null)]
  expect([project.sync, project.children(null)]).toEqual([sync, list])
  expect(project.sync === sync && project.children(null) === list).toBe(true)
  const edit = project.update(idOf(1), { a: 1 })
  const pending = project.block(idOf(1))
  expect([
    project.sync === sync,
    pending === one,
    project.block(idOf(2)) === two,
    project.children(null) === list,
  ]).toEqual([false, false, true, false])
  await settle()
  await hub.ack(hub.edits()[0]!, 2)
  expect(project.block(idOf(1)) === pending).toBe(true)
  expect(edit.state.status).toBe("saved")
})

test("an_edit_that_is_made_inside_another_takes_nothing_of_it", async () => {
  const { hub, project } = await joined([block(1, { text: "ab" })])
  let inner = ""
  const outer = project.edit(tx => {
    tx.text(idOf(1), "/text", typed(2, "X"))
    inner = project.text(idOf(1), "/text", typed(0, "Y")).id
  })
  await settle()
  expect(hub.edits().map(({ editId }) => editId)).toEqual([inner])
  const changes = typed(0, "Y")
  await hub.ack(hub.edits()[0]!, 2)
  await hub.event(event(2, [{ op: "text", block: idOf(1), version: 2, path: "/text", changes }], inner))
  expect(hub.edits()[1]).toMatchObject({ editId: outer.id, ops: [{ baseVersion: 2, changes: typed(3, "X") }] })
})
