// Undo and redo: steps back and forth, and what becomes of one that fails.

import { afterEach, beforeEach, expect, test, vi } from "vitest"
import { block, event, idOf, joined, PROJECT, settle } from "./harness/fake.js"

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }))
afterEach(() => void vi.useRealTimers())

const theirs = block(1, { text: "theirs", n: 1 }, { version: 5 })

/** An edit that is saved, and can be taken back. */
async function saved() {
  const all = await joined([block(1), block(2)])
  const edit = all.project.update(idOf(1), { a: 1 })
  await settle()
  await all.hub.ack(all.hub.edits()[0]!, 2)
  await all.hub.event(event(2, [{ op: "update", block: idOf(1), version: 2, patch: { a: 1 } }], edit.id))
  return { ...all, edit }
}

test("hi2_undo_takes_back_the_last_own_edit_and_redo_takes_that_back", async () => {
  const { hub, project } = await joined([block(1)])
  const edit = project.update(idOf(1), { a: 1 })
  const undone = project.undo()
  await settle()
  expect([project.undoable, hub.sent("undo")]).toEqual([false, []])
  await hub.ack(hub.edits()[0]!, 2)
  await settle()
  const [first] = hub.sent("undo")
  expect(first).toMatchObject({ target: edit.id })
  await hub.ack(first!, 3)
  expect([await undone, project.undoable, project.redoable]).toEqual([{ done: "undone", seq: 3 }, false, true])
  const redone = project.redo()
  await settle()
  expect(hub.sent("undo")[1]).toMatchObject({ target: first!.editId })
  await hub.ack(hub.sent("undo")[1]!, 4)
  expect([await redone, project.undoable, project.redoable]).toEqual([{ done: "undone", seq: 4 }, true, false])
  project.update(idOf(1), { a: 2 })
  expect(await project.redo()).toEqual({ done: "nothing" })
})

test("ed15_a_group_is_undone_as_one", async () => {
  const { hub, project } = await joined([block(1), block(2)])
  const group = "20000000-0000-4000-8000-000000000000"
  for (const number of [1, 2]) project.update(idOf(number), { a: 1 }, { group })
  await settle()
  for (const edit of hub.edits()) await hub.ack(edit, 2)
  void project.undo()
  await settle()
  expect([hub.edits().map(edit => edit.group), hub.sent("undo").map(({ target }) => target), project.undoable]).toEqual(
    [[group, group], [group], false],
  )
})

test("hi2_an_undo_that_conflicts_says_so_and_changes_nothing", async () => {
  const { hub, project } = await joined([block(1)])
  project.update(idOf(1), { text: "mine" })
  await settle()
  await hub.ack(hub.edits()[0]!, 2)
  const outcome = project.undo()
  await settle()
  const { id, editId } = hub.sent("undo")[0]!
  hub.say({
    type: "conflict",
    id,
    requestId: "r",
    project: PROJECT,
    editId,
    seq: 3,
    conflicts: [{ op: 0, block: idOf(1), baseVersion: 2, currentVersion: 3, current: theirs, paths: ["/text"] }],
  })
  expect(await outcome).toMatchObject({ done: "conflict", conflict: { blocks: [{ block: idOf(1), theirs }] } })
  expect([project.undoable, project.redoable]).toEqual([false, false])
})

test("an_undo_is_asked_again_on_the_next_connection_under_the_same_id", async () => {
  const { hub, client, project } = await joined([block(1)])
  project.update(idOf(1), { a: 1 })
  await settle()
  await hub.ack(hub.edits()[0]!, 2)
  await hub.event(event(2, [{ op: "update", block: idOf(1), version: 2, patch: { a: 1 } }], hub.edits()[0]!.editId))
  const outcome = project.undo()
  await settle()
  const { editId } = hub.sent("undo")[0]!
  await hub.close(1006)
  client.reconnect()
  await hub.welcome()
  await hub.recovered(2, [])
  expect(hub.sent("undo").map(each => each.editId)).toEqual([editId])
  await hub.ack(hub.sent("undo")[0]!, 3, { duplicate: true })
  expect(await outcome).toEqual({ done: "undone", seq: 3 })
})

test("an_undo_that_fails_can_be_tried_again_and_is_the_same_undo", async () => {
  const { hub, project } = await saved()
  const outcome = project.undo().catch((error: Error) => error)
  await settle()
  const [first] = hub.sent("undo")
  await hub.refuse(first!.id, "forbidden")
  expect([await outcome, project.undoable, project.redoable]).toMatchObject([{ code: "forbidden" }, true, false])
  const again = project.undo()
  await settle()
  expect(hub.sent("undo")[1]).toMatchObject({ target: first!.target, editId: first!.editId })
  await hub.ack(hub.sent("undo")[1]!, 3, { duplicate: true })
  expect([await again, project.undoable, project.redoable]).toEqual([{ done: "undone", seq: 3 }, false, true])
})

test("an_undo_that_was_put_off_is_asked_once_after_its_time_whatever_becomes_of_the_connection", async () => {
  const { hub, client, project } = await saved()
  void project.undo()
  await settle()
  await hub.refuse(hub.sent("undo")[0]!.id, "busy", 9_000)
  await hub.close(1006)
  client.reconnect()
  await hub.welcome()
  await hub.recovered(2, [])
  await vi.advanceTimersByTimeAsync(8_000)
  expect(hub.sent("undo")).toEqual([])
  await vi.advanceTimersByTimeAsync(1_000)
  expect(hub.sent("undo").length).toBe(1)
})

test("nothing_asked_of_a_closed_project_waits_for_its_time_any_more", async () => {
  const { hub, client, project } = await saved()
  const outcome = project.undo().catch((error: Error) => error)
  await settle()
  await hub.refuse(hub.sent("undo")[0]!.id, "busy", 9_000)
  client.close()
  await outcome
  expect(vi.getTimerCount()).toBe(0)
})

test("a_redo_that_fails_can_be_tried_again", async () => {
  const { hub, project } = await saved()
  void project.undo()
  await settle()
  await hub.ack(hub.sent("undo")[0]!, 3)
  const outcome = project.redo().catch((error: Error) => error)
  await settle()
  await hub.refuse(hub.sent("undo")[1]!.id, "forbidden")
  expect([await outcome, project.undoable, project.redoable]).toMatchObject([{ code: "forbidden" }, false, true])
})

test("hi2_an_undo_that_can_never_be_is_forgotten_and_the_one_before_it_is_next", async () => {
  const { hub, project, edit } = await saved()
  project.update(idOf(2), { a: 1 })
  await settle()
  await hub.ack(hub.edits()[1]!, 3)
  const outcome = project.undo().catch((error: Error) => error)
  await settle()
  await hub.refuse(hub.sent("undo")[0]!.id, "not_found")
  expect([await outcome, project.undoable]).toMatchObject([{ code: "not_found" }, true])
  void project.undo()
  await settle()
  expect(hub.sent("undo")[1]).toMatchObject({ target: edit.id })
})

test("what_is_done_while_an_undo_is_under_way_stands_above_the_step_that_it_gives_back", async () => {
  const { hub, project, edit } = await saved()
  const outcome = project.undo().catch((error: Error) => error)
  await settle()
  const later = project.update(idOf(2), { a: 1 })
  await settle()
  await hub.ack(hub.edits()[1]!, 3)
  await hub.refuse(hub.sent("undo")[0]!.id, "forbidden")
  await outcome
  void project.undo()
  await settle()
  await hub.ack(hub.sent("undo")[1]!, 4)
  void project.undo()
  await settle()
  expect(hub.sent("undo").slice(1).map(({ target }) => target)).toEqual([later.id, edit.id])
})

test("what_is_typed_after_an_undo_was_asked_for_is_not_taken_back_with_it", async () => {
  const { hub, client, project } = await joined([block(1, { text: "ab" })])
  const typed = (at: number, insert: string) => project.text(idOf(1), "/text", [{ at, delete: 0, insert }])
  await hub.close(1006)
  const before = typed(2, "X")
  void project.undo()
  const after = typed(3, "Y")
  client.reconnect()
  await hub.welcome()
  await hub.recovered(1, [])
  const changes = [{ at: 2, delete: 0, insert: "X" }]
  expect(hub.edits()).toMatchObject([{ editId: before.id, ops: [{ op: "text", changes }] }])
  await hub.ack(hub.edits()[0]!, 2)
  await settle()
  expect([hub.sent("undo").map(({ target }) => target), after === before]).toEqual([[before.id], false])
})

test("what_is_done_while_one_undo_is_under_way_and_another_is_asked_for_is_not_meant_by_that", async () => {
  const { hub, project, edit } = await saved()
  const second = project.update(idOf(2), { a: 1 })
  await settle()
  await hub.ack(hub.edits()[1]!, 3)
  for (const _ of [1, 2]) void project.undo()
  await settle()
  project.update(idOf(2), { b: 1 })
  await hub.ack(hub.sent("undo")[0]!, 4)
  await settle()
  expect([hub.sent("undo").map(({ target }) => target), project.undoable]).toEqual([[second.id, edit.id], true])
})

test("what_was_undone_while_a_new_edit_was_made_cannot_be_redone_over_it", async () => {
  const { hub, project } = await saved()
  const outcome = project.undo()
  await settle()
  project.update(idOf(2), { a: 1 })
  await hub.ack(hub.sent("undo")[0]!, 3)
  expect([await outcome, project.redoable, project.undoable]).toEqual([{ done: "undone", seq: 3 }, false, true])
})

test("an_undo_of_an_edit_that_is_then_rejected_takes_back_nothing_else", async () => {
  const { hub, project } = await saved()
  project.update(idOf(2), { a: 1 })
  const outcome = project.undo()
  await settle()
  await hub.refuse(hub.edits()[1]!.id, "invalid_edit")
  await settle()
  expect([hub.sent("undo"), project.undoable]).toEqual([[], true])
  expect(await outcome).toEqual({ done: "nothing" })
})

test("an_undo_of_an_edit_that_came_to_nothing_takes_back_the_one_before_it", async () => {
  const { hub, client, project, edit } = await saved()
  await hub.close(1006)
  project.text(idOf(2), "/text", [{ at: 0, delete: 0, insert: "" }])
  void project.undo()
  client.reconnect()
  await hub.welcome()
  await hub.recovered(2, [])
  await settle()
  expect([hub.edits(), hub.sent("undo").map(({ target }) => target)]).toEqual([[], [edit.id]])
})
