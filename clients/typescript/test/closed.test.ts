// A project that is closed with unsaved edits: these are sent all the same, count until they are saved, and are kept
// no longer than that.

import { afterEach, beforeEach, expect, test, vi } from "vitest"
import { MemoryDrafts, type DraftEdit, type Settlement } from "../src/index.js"
import { block, event, FakeHub, idOf, joined, PROJECT, settle } from "./harness/fake.js"

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }))
afterEach(() => {
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

const kept = async (drafts: MemoryDrafts) => (await drafts.load(PROJECT)).map(({ edit }) => edit)

/** A page; answers whether it may be left without being asked. */
function page(): () => boolean {
  const window = new EventTarget()
  vi.stubGlobal("window", window)
  vi.stubGlobal("document", new EventTarget())
  return () => window.dispatchEvent(new Event("beforeunload", { cancelable: true }))
}

test("the_page_asks_while_a_project_that_was_closed_offline_has_something_unsaved_and_no_longer", async () => {
  const leaves = page()
  const drafts = new MemoryDrafts()
  const { hub, client, project } = await joined([block(1)], { drafts })
  await hub.close(1006)
  const edit = project.update(idOf(1), { a: 1 })
  project.close()
  await settle()
  expect([project.state, leaves(), await kept(drafts)]).toEqual([{ state: "left", reason: "closed" }, false, [edit.id]])
  client.reconnect()
  await hub.welcome()
  await hub.recovered(1, [])
  await hub.ack(hub.edits()[0]!, 2)
  expect([edit.state, leaves(), await kept(drafts)]).toEqual([{ status: "saved", seq: 2 }, true, []])
  expect(hub.socket.sent.map(({ type }) => type)).toEqual(["hello", "join", "edit", "leave"])
})

test("what_is_acked_after_the_project_was_closed_is_not_kept_any_more", async () => {
  const drafts = new MemoryDrafts()
  const { hub, project } = await joined([block(1), block(2)], { drafts })
  project.update(idOf(1), { a: 1 })
  await settle()
  await hub.ack(hub.edits()[0]!, 2)
  const second = project.update(idOf(2), { a: 1 })
  await settle()
  project.close()
  await settle()
  expect(await kept(drafts)).toEqual([second.id])
  await hub.ack(hub.edits()[1]!, 3)
  expect([await kept(drafts), hub.sent("leave").length]).toEqual([[], 1])
})

test("what_waits_behind_an_unanswered_edit_goes_after_it_though_the_project_is_closed", async () => {
  const { hub, project } = await joined([block(1)])
  const first = project.update(idOf(1), { a: 1 })
  await settle()
  const second = project.update(idOf(1), { b: 1 })
  project.close()
  await settle()
  await hub.ack(hub.edits()[0]!, 2)
  await hub.event(event(2, [{ op: "update", block: idOf(1), version: 2, patch: { a: 1 } }], first.id))
  expect(hub.edits()[1]).toMatchObject({ editId: second.id, ops: [{ baseVersion: 2 }] })
  expect(hub.sent("leave")).toEqual([])
  await hub.ack(hub.edits()[1]!, 3)
  expect([second.state.status, hub.sent("leave").length]).toEqual(["saved", 1])
})

test("nobody_hears_of_a_project_that_is_closed_but_of_what_becomes_of_its_edits", async () => {
  const { hub, project } = await joined([block(1)])
  const told: string[] = []
  for (const key of ["blocks", "members", "sync", "state"] as const) project.on(key, () => told.push(key))
  project.onEvent(() => told.push("event"))
  project.onText(idOf(1), "/text", () => told.push("text"))
  project.update(idOf(1), { a: 1 })
  await settle()
  project.close()
  told.length = 0
  const changes = [{ at: 0, delete: 0, insert: "> " }]
  await hub.event(event(2, [{ op: "text", block: idOf(1), version: 2, path: "/text", changes }]))
  await hub.ack(hub.edits()[0]!, 3)
  expect(new Set(told)).toEqual(new Set(["sync"]))
})

test("opened_again_while_something_is_unsaved_the_project_takes_it_over_and_it_is_sent_once_at_a_time", async () => {
  const leaves = page()
  const drafts = new MemoryDrafts()
  const { hub, client, project } = await joined([block(1)], { drafts })
  await hub.close(1006)
  const edit = project.update(idOf(1), { a: 1 })
  project.close()
  const again = client.project(PROJECT)
  expect(leaves()).toBe(false)
  client.reconnect()
  await hub.welcome()
  expect(hub.sent("join").length).toBe(1)
  await hub.joined(1, [block(1)])
  expect([again.block(idOf(1))!.content.a, hub.edits().map(({ editId }) => editId)]).toEqual([1, [edit.id]])
  await hub.ack(hub.edits()[0]!, 2)
  expect(leaves()).toBe(true)
})

test("an_edit_that_was_still_being_kept_when_the_project_was_opened_again_is_not_left_out", async () => {
  const drafts = new MemoryDrafts()
  const { hub, client, project } = await joined([block(1), block(2)], { drafts })
  await hub.close(1006)
  const save = drafts.save.bind(drafts)
  vi.spyOn(drafts, "save").mockImplementation(async draft => {
    await new Promise(done => setTimeout(done, 100))
    await save(draft)
  })
  for (const number of [1, 2]) project.update(idOf(number), { a: 1 })
  project.close()
  const again = client.project(PROJECT)
  client.reconnect()
  await hub.welcome()
  await vi.advanceTimersByTimeAsync(1_000)
  await hub.joined(1, [block(1), block(2)])
  expect([again.sync.unsaved, hub.sent("join").length]).toEqual([2, 1])
})

test("what_only_the_application_can_decide_stays_kept_and_counts_and_the_hub_is_left", async () => {
  const leaves = page()
  const drafts = new MemoryDrafts()
  const { hub, project } = await joined([block(1), block(2)], { drafts })
  const [clashing, fine] = [1, 2].map(number => project.update(idOf(number), { a: 1 }))
  await settle()
  project.close()
  const { id, editId } = hub.edits()[0]!
  hub.say({ type: "conflict", id, requestId: "r", project: PROJECT, editId, seq: 5, conflicts: [] })
  await settle()
  expect(hub.sent("leave")).toEqual([])
  await hub.ack(hub.edits()[1]!, 2)
  await hub.event(event(2, [{ op: "update", block: idOf(2), version: 2, patch: { a: 1 } }], fine!.id))
  expect([hub.sent("leave").length, clashing!.state.status, await kept(drafts), leaves()]).toEqual([
    1,
    "pending",
    [clashing!.id],
    false,
  ])
})

test("a_settlement_that_comes_after_the_project_was_closed_changes_nothing", async () => {
  let settleIt = (_: Settlement): void => {}
  const drafts = new MemoryDrafts()
  const { hub, project } = await joined([block(1)], { drafts })
  project.onConflict(() => new Promise(done => (settleIt = done)))
  const edit = project.update(idOf(1), { a: 1 })
  const { id: first } = edit
  await settle()
  const { id, editId } = hub.edits()[0]!
  hub.say({ type: "conflict", id, requestId: "r", project: PROJECT, editId, seq: 5, conflicts: [] })
  await settle()
  project.close()
  settleIt({ keep: "mine" })
  await settle()
  expect([edit.id, await kept(drafts), hub.edits().length]).toEqual([first, [first], 1])
})

test("an_edit_that_was_put_off_goes_again_after_its_time_though_the_project_is_closed", async () => {
  const { hub, project } = await joined([block(1)])
  const edit = project.update(idOf(1), { a: 1 })
  await settle()
  project.close()
  await hub.refuse(hub.edits()[0]!.id, "busy", 2_000)
  await vi.advanceTimersByTimeAsync(2_000)
  expect(hub.edits().map(({ editId }) => editId)).toEqual([edit.id, edit.id])
})

test("ac3_a_closed_project_that_the_hub_lets_nobody_into_any_more_holds_no_page_back_and_keeps_its_edits", async () => {
  const leaves = page()
  const drafts = new MemoryDrafts()
  const { hub, client, project } = await joined([block(1)], { drafts })
  await hub.close(1006)
  const edit = project.update(idOf(1), { a: 1 })
  project.close()
  client.reconnect()
  await hub.welcome()
  await hub.refuse(hub.sent("join")[0]!.id, "forbidden")
  expect([leaves(), await kept(drafts)]).toEqual([true, [edit.id]])
})

test("a_closed_client_leaves_nothing_running_and_what_is_unsaved_kept", async () => {
  const drafts = new MemoryDrafts()
  const { hub, client, project } = await joined([block(1)], { drafts })
  const edit = project.update(idOf(1), { a: 1 })
  await settle()
  project.close()
  const asked = project.history().catch(() => {})
  await hub.refuse(hub.edits()[0]!.id, "busy", 60_000)
  client.close()
  await asked
  await settle()
  expect([vi.getTimerCount(), await kept(drafts)]).toEqual([0, [edit.id]])
})

test("a_project_that_is_closed_twice_takes_nothing_from_the_one_that_was_opened_since", async () => {
  const { hub, client, project } = await joined([block(1)])
  project.close()
  const again = client.project(PROJECT)
  project.close()
  await settle()
  expect([client.project(PROJECT) === again, hub.sent("leave").length]).toEqual([true, 1])
})

test("a_project_too_many_for_one_connection_waits_for_a_place", async () => {
  const hub = new FakeHub()
  const project = hub.client().project(PROJECT)
  await hub.welcome()
  const limit = "maxProjectsPerConnection"
  const { id } = hub.sent("join")[0]!
  hub.say({ type: "error", id, requestId: "r", code: "too_large", message: "", limit })
  await vi.advanceTimersByTimeAsync(10_000)
  expect([project.state.state, hub.sent("join").length]).toEqual(["joining", 2])
})

/** A store whose calls fail, or hang, as long as it is `out`. */
class Failing extends MemoryDrafts {
  out: "no" | "throws" | "does not answer" = "no"

  override load = (project: string) => this.#failing() ?? super.load(project)
  override save = (edit: DraftEdit) => this.#failing() ?? super.save(edit)
  override remove = (project: string, edit: string) => this.#failing() ?? super.remove(project, edit)

  #failing(): Promise<never> | null {
    if (this.out === "no") return null
    return this.out === "throws" ? Promise.reject(new Error("no room")) : new Promise(() => {})
  }
}

test.each(["throws", "does not answer"] as const)(
  "a_project_that_is_opened_again_has_what_the_store_did_not_take_because_it_%s_in_order",
  async how => {
    const leaves = page()
    const drafts = new Failing()
    const { hub, client, project } = await joined([block(1)], { drafts })
    await hub.close(1006)
    drafts.out = how
    const first = project.update(idOf(1), { a: 1 })
    const second = project.update(idOf(1), { a: 2 })
    project.close()
    const again = client.project(PROJECT)
    client.reconnect()
    await hub.welcome()
    expect([again.sync.unsaved, leaves()]).toEqual([2, false])
    await vi.advanceTimersByTimeAsync(3_000)
    await hub.joined(1, [block(1)])
    await settle()
    expect(again.block(idOf(1))!.content.a).toBe(2)
    expect(again.sync.edits.map(({ id }) => id)).toEqual([first.id, second.id])
    expect(hub.edits().map(({ editId }) => editId)).toEqual([first.id])
  },
)

test("what_the_store_took_and_what_it_did_not_come_back_in_the_order_in_which_they_were_made", async () => {
  const drafts = new MemoryDrafts()
  const { hub, client, project } = await joined([block(1)], { drafts })
  await hub.close(1006)
  const save = drafts.save.bind(drafts)
  vi.spyOn(drafts, "save").mockImplementation(async draft => {
    const [op] = draft.ops
    if (op?.op === "update" && op.patch.a === 2) throw new Error("no room")
    await save(draft)
  })
  const edits = [1, 2, 3].map(a => project.update(idOf(1), { a }))
  project.close()
  await settle()
  const again = client.project(PROJECT)
  client.reconnect()
  await hub.welcome()
  await hub.joined(1, [block(1)])
  expect([again.sync.edits, again.block(idOf(1))!.content.a]).toEqual([edits, 3])
})

test("what_the_store_did_not_take_of_a_closed_project_is_offered_again_when_that_is_opened_again", async () => {
  const drafts = new Failing()
  const { hub, client, project } = await joined([block(1)], { drafts })
  await hub.close(1006)
  drafts.out = "throws"
  const edit = project.update(idOf(1), { a: 1 })
  project.close()
  await settle()
  drafts.out = "no"
  const again = client.project(PROJECT)
  client.reconnect()
  await hub.welcome()
  expect([await kept(drafts), again.sync.drafts]).toEqual([[edit.id], "kept"])
})

test("an_edit_of_a_closed_project_is_told_saved_though_the_one_opened_since_saves_it", async () => {
  const { hub, client, project } = await joined([block(1)])
  await hub.close(1006)
  const edit = project.update(idOf(1), { a: 1 })
  project.close()
  const unsaved: number[] = []
  project.on("sync", () => unsaved.push(project.sync.unsaved))
  const again = client.project(PROJECT)
  client.reconnect()
  await hub.welcome()
  await hub.joined(1, [block(1)])
  expect([project.sync.unsaved, again.sync.edits]).toEqual([1, [edit]])
  await hub.ack(hub.edits()[0]!, 2)
  expect([await edit.saved, unsaved.at(-1), project.sync.edits]).toEqual([{ seq: 2 }, 0, []])
})

test("what_the_page_before_left_is_sent_though_the_project_is_closed_before_it_is_read", async () => {
  const drafts = new MemoryDrafts()
  const { hub, client, project } = await joined([block(1)], { drafts })
  await hub.close(1006)
  const edit = project.update(idOf(1), { a: 1 })
  await settle()
  client.close()
  const next = new FakeHub()
  const again = next.client({ drafts }).project(PROJECT)
  await settle()
  let read = (): void => {}
  const all = await drafts.load(PROJECT)
  vi.spyOn(drafts, "load").mockImplementation(() => new Promise(done => (read = () => done(all))))
  await next.welcome()
  again.close()
  read()
  await settle()
  await next.joined(1, [block(1)])
  expect(next.edits().map(({ editId }) => editId)).toEqual([edit.id])
  await next.ack(next.edits()[0]!, 2)
  expect(next.sent("leave").length).toBe(1)
})

test("what_the_store_did_not_take_goes_from_one_to_the_next_however_often_the_project_is_opened_and_closed", async () => {
  const drafts = new Failing()
  const { hub, client, project } = await joined([block(1)], { drafts })
  await hub.close(1006)
  drafts.out = "does not answer"
  const edit = project.update(idOf(1), { a: 1 })
  project.close()
  const second = client.project(PROJECT)
  client.reconnect()
  await hub.welcome()
  second.close()
  const third = client.project(PROJECT)
  await vi.advanceTimersByTimeAsync(3_000)
  await hub.joined(1, [block(1)])
  expect([third.sync.edits, hub.edits().map(({ editId }) => editId)]).toEqual([[edit], [edit.id]])
})
