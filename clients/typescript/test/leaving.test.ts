// What a project that was closed, or left, leaves behind: nothing that the hub or a later one under the same id notices.

import { afterEach, beforeEach, expect, test, vi } from "vitest"
import { MemoryDrafts } from "../src/index.js"
import { block, FakeHub, idOf, joined, PROJECT, settle } from "./harness/fake.js"

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }))
afterEach(() => void vi.useRealTimers())

test("a_project_that_is_closed_and_opened_again_at_once_is_not_left_by_the_answer_to_the_first", async () => {
  const { hub, client, project } = await joined([block(1)])
  project.close()
  const again = client.project(PROJECT)
  await settle()
  const { id } = hub.sent("leave")[0]!
  hub.say({ type: "left", requestId: "r", project: PROJECT, ...(id === undefined ? {} : { id }) })
  await hub.joined(1, [block(1)])
  expect([again.state.state, project.state]).toEqual(["live", { state: "left", reason: "closed" }])
})

test("a_project_that_is_closed_while_its_unsaved_edits_are_read_is_not_joined_any_more", async () => {
  const drafts = new MemoryDrafts()
  let read = (): void => {}
  vi.spyOn(drafts, "load").mockImplementation(() => new Promise(done => (read = () => done([]))))
  const hub = new FakeHub()
  const project = hub.client({ drafts }).project(PROJECT)
  await hub.welcome()
  project.close()
  read()
  await settle()
  expect([hub.sent("join"), project.state.state]).toEqual([[], "left"])
})

test("what_the_hub_still_says_to_a_closed_project_is_not_taken_for_a_word_to_the_one_opened_since", async () => {
  const drafts = new MemoryDrafts()
  const { hub, client, project } = await joined([block(1)], { drafts })
  project.close()
  vi.spyOn(drafts, "load").mockImplementation(() => new Promise(() => {}))
  const again = client.project(PROJECT)
  const epoch = "e-1"
  hub.say({ type: "reset", project: PROJECT, epoch, seq: 7, reason: "lagged", blocks: [block(1)], more: false })
  expect([again.state.state, again.seq]).toEqual(["offline", 0])
})

test("what_is_asked_of_a_project_that_was_left_is_refused_at_once", async () => {
  const { hub, project } = await joined([block(1)])
  hub.say({ type: "left", requestId: "r", project: PROJECT, reason: "forbidden" })
  await expect(Promise.race([project.history(), settle()])).rejects.toMatchObject({ code: "forbidden" })
})

test("pr1_a_state_that_the_hub_does_not_take_keeps_nobody_out_of_the_project", async () => {
  const { hub, client, project } = await joined([block(1)])
  project.setPresence("x".repeat(5_000))
  await hub.close(1006)
  client.reconnect()
  await hub.welcome()
  const [join] = hub.sent("join")
  hub.say({ type: "error", id: join!.id, requestId: "r", code: "too_large", message: "", limit: "maxPresenceBytes" })
  await settle()
  await vi.advanceTimersByTimeAsync(10_000)
  expect(hub.sent("join").at(-1)).not.toHaveProperty("presence")
  await hub.joined(1, [block(1)])
  expect(project.state.state).toBe("live")
})

test("an_id_that_is_none_is_not_found_and_not_asked_for_again_and_again", async () => {
  const hub = new FakeHub()
  const project = hub.client().project("nonsense")
  await hub.welcome()
  hub.say({ type: "error", id: hub.sent("join")[0]!.id, requestId: "r", code: "malformed", message: "" })
  await vi.advanceTimersByTimeAsync(10_000)
  expect([project.state, hub.sent("join").length]).toEqual([{ state: "left", reason: "not_found" }, 1])
})

test("what_was_just_typed_is_sent_before_the_project_is_left", async () => {
  const { hub, project } = await joined([block(1, { text: "a" })])
  const edit = project.text(idOf(1), "/text", [{ at: 1, delete: 0, insert: "b" }])
  project.close()
  await settle()
  expect(hub.socket.sent.at(-1)).toMatchObject({ type: "edit", editId: edit.id })
  await hub.ack(hub.edits()[0]!, 2)
  await vi.advanceTimersByTimeAsync(1_000)
  expect([edit.state, hub.edits().length, hub.socket.sent.at(-1)]).toMatchObject([
    { status: "saved", seq: 2 },
    1,
    { type: "leave" },
  ])
})

test("a_conflict_that_is_told_after_the_project_was_closed_is_asked_about_when_it_is_open_again", async () => {
  const drafts = new MemoryDrafts()
  const { hub, client, project } = await joined([block(1)], { drafts })
  const ask = project.onConflict(() => ({ keep: "mine" }))
  const edit = project.update(idOf(1), { text: "mine" })
  await settle()
  project.close()
  ask()
  const { id, editId } = hub.edits()[0]!
  hub.say({ type: "conflict", id, requestId: "r", project: PROJECT, editId, seq: 5, conflicts: [] })
  await settle()
  expect([edit.state.status, (await drafts.load(PROJECT)).map(each => each.edit)]).toEqual(["pending", [edit.id]])
  client.project(PROJECT)
  await settle()
  await hub.joined(5, [block(1, { text: "theirs" }, { version: 5 })])
  expect(hub.edits()[1]).toMatchObject({ editId: edit.id, ops: [{ baseVersion: 1 }] })
})
