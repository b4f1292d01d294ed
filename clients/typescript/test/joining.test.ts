// Joining, and coming back ([JN1]–[JN7]), on a hub that the test plays.

import { afterEach, beforeEach, expect, test, vi } from "vitest"
import type { Event, Project } from "../src/index.js"
import { block, BOB, event, FakeHub, idOf, joined, PROJECT, settle } from "./harness/fake.js"

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }))
afterEach(() => void vi.useRealTimers())

const typed = (at: number, insert: string) => [{ at, delete: 0, insert }]
const textOf = (project: Project) => project.block(idOf(1))!.content.text
const update = (number: number, version: number, patch: Record<string, number>) =>
  ({ op: "update", block: idOf(number), version, patch }) as const

test("jn1_a_project_is_joining_then_live_and_offline_while_the_connection_is_away", async () => {
  const hub = new FakeHub()
  const client = hub.client()
  const project = client.project(PROJECT)
  const states: string[] = []
  project.on("state", () => states.at(-1) === project.state.state || states.push(project.state.state))
  expect(project.state.state).toBe("offline")
  await hub.welcome()
  await hub.joined(1, [block(1)])
  await hub.close(1006)
  expect([states, project.title, project.role, project.blocks.length]).toEqual([
    ["joining", "live", "offline"],
    "Title",
    "editor",
    1,
  ])
  expect([client.project(PROJECT), client.project(PROJECT.toUpperCase())]).toEqual([project, project])
})

test("jn2_coming_back_asks_for_what_was_missed_and_takes_each_event_once", async () => {
  const { hub, client, project } = await joined([block(1)])
  const seen: number[] = []
  project.onEvent(({ seq }) => seen.push(seq))
  await hub.event(event(2, [update(1, 2, { a: 2 })]))
  await hub.close(1012)
  client.reconnect()
  await hub.welcome()
  expect(hub.sent("join")).toMatchObject([{ since: { epoch: "e-1", seq: 2 } }])
  await hub.recovered(3, [event(2, [update(1, 2, { a: 2 })]), event(3, [update(1, 3, { a: 3 })])])
  await hub.event(event(4, [update(1, 4, { a: 4 })]))
  expect([seen, project.seq, project.block(idOf(1))!.content.a]).toEqual([[2, 3, 4], 4, 4])
})

test("jn4_a_snapshot_in_parts_shows_once_it_is_whole", async () => {
  const hub = new FakeHub()
  const project = hub.client().project(PROJECT)
  await hub.welcome()
  await hub.joined(1, [block(1)], { part: true })
  hub.say({ type: "snapshot", project: PROJECT, blocks: [block(2)], last: false })
  expect([project.blocks.length, project.state.state]).toEqual([0, "joining"])
  hub.say({ type: "snapshot", project: PROJECT, blocks: [block(3)], last: true })
  await hub.event(event(2, [update(3, 2, { a: 1 })]))
  expect([project.blocks.map(({ id }) => id), project.state.state, project.seq]).toEqual([
    [idOf(1), idOf(2), idOf(3)],
    "live",
    2,
  ])
})

test("jn5_a_hole_is_never_papered_over_the_project_is_joined_anew", async () => {
  const { hub, project } = await joined([block(1)])
  await hub.event(event(3, [update(1, 3, { a: 3 })]))
  expect([project.state.state, project.seq, hub.sent("join").length]).toEqual(["joining", 1, 2])
  await hub.joined(3, [block(1, { a: 3 }, { version: 3 })])
  expect([project.state.state, project.seq, project.block(idOf(1))!.content]).toEqual(["live", 3, { a: 3 }])
})

test("jn5_reset_brings_a_new_snapshot_and_loses_no_pending_edit", async () => {
  const { hub, project } = await joined([block(1, { text: "ab" }), block(2)])
  const sent = project.update(idOf(2), { color: "red" })
  await settle()
  const waiting = project.update(idOf(2), { done: true })
  const [before] = hub.edits()
  hub.say({
    type: "reset",
    project: PROJECT,
    epoch: "e-1",
    seq: 40,
    reason: "lagged",
    blocks: [block(1, { text: "ab" }), block(2, { text: "theirs" }, { version: 9 })],
    more: false,
  })
  await settle()
  expect(project.block(idOf(2))!.content).toEqual({ text: "theirs", color: "red", done: true })
  expect(
    hub
      .edits()
      .slice(1)
      .map(({ id: _, ...edit }) => edit),
  ).toMatchObject([{ editId: before!.editId, epoch: "e-1", ops: before!.ops }])
  await hub.ack(hub.edits()[1]!, 41)
  await hub.event(event(41, [{ op: "update", block: idOf(2), version: 10, patch: { color: "red" } }], sent.id))
  expect(hub.edits()[2]!.ops).toMatchObject([{ baseVersion: 10, patch: { done: true } }])
  expect([sent.state.status, waiting.state.status]).toEqual(["saved", "pending"])
})

test("ed13_an_ack_at_or_below_a_snapshot_drops_the_edit_and_the_next_one_follows", async () => {
  const { hub, client, project } = await joined([block(1, { text: "ab" })])
  const first = project.text(idOf(1), "/text", typed(1, "X"))
  await vi.advanceTimersByTimeAsync(100)
  project.text(idOf(1), "/text", typed(2, "Y"))
  await hub.close(1006)
  client.reconnect()
  await hub.welcome()
  await hub.joined(7, [block(1, { text: "> aXb" }, { version: 3 })])
  expect(project.block(idOf(1))!.content.text).toBe("> aXYb")
  expect(hub.edits()).toMatchObject([{ editId: first.id, ops: [{ baseVersion: 1, changes: typed(1, "X") }] }])
  await hub.ack(hub.edits()[0]!, 2, { duplicate: true })
  expect(project.block(idOf(1))!.content.text).toBe("> aXYb")
  await vi.advanceTimersByTimeAsync(100)
  expect(hub.edits()[1]!.ops).toEqual([
    { op: "text", block: idOf(1), baseVersion: 3, path: "/text", changes: typed(4, "Y") },
  ])
})

test("jn7_an_acked_edit_whose_event_never_comes_is_dropped_by_the_snapshot_that_holds_it", async () => {
  const { hub, project } = await joined([block(1, { text: "ab" })])
  project.text(idOf(1), "/text", typed(1, "X"))
  await vi.advanceTimersByTimeAsync(100)
  await hub.ack(hub.edits()[0]!, 2)
  expect([textOf(project), project.sync.unsaved]).toEqual(["aXb", 0])
  const blocks = [block(1, { text: "aXb" }, { version: 2 })]
  hub.say({ type: "reset", project: PROJECT, epoch: "e-1", seq: 2, reason: "large", blocks, more: false })
  await settle()
  project.text(idOf(1), "/text", typed(2, "Y"))
  await vi.advanceTimersByTimeAsync(100)
  expect([textOf(project), hub.edits().map(({ ops }) => ops[0])]).toMatchObject([
    "aXYb",
    [{}, { baseVersion: 2, changes: typed(2, "Y") }],
  ])
})

test("ed14_an_acked_edit_that_a_lost_history_may_not_hold_is_sent_again", async () => {
  const { hub, project } = await joined([block(1, { a: 1 })])
  project.update(idOf(1), { a: 2 })
  await settle()
  await hub.ack(hub.edits()[0]!, 2)
  hub.say({
    type: "reset",
    project: PROJECT,
    epoch: "e-2",
    seq: 1,
    reason: "epoch",
    blocks: [block(1, { a: 1 })],
    more: false,
  })
  await settle()
  expect(hub.edits().map(({ editId, epoch }) => [editId, epoch])).toEqual([
    [hub.edits()[0]!.editId, "e-1"],
    [hub.edits()[0]!.editId, "e-1"],
  ])
})

test("ed5_a_waiting_move_keeps_its_base_when_a_snapshot_shows_the_block_elsewhere", async () => {
  const { hub, client, project } = await joined([block(1), block(2), block(3)])
  await hub.close(1006)
  project.move(idOf(1), { parent: null, after: idOf(2) })
  client.reconnect()
  await hub.welcome()
  await hub.joined(9, [block(1, {}, { version: 4, position: "a9" }), block(2), block(3)])
  expect(hub.edits()[0]!.ops).toMatchObject([{ op: "move", baseVersion: 1 }])
})

test("ed13_what_waits_and_clashes_with_a_snapshot_is_sent_on_the_base_that_was_seen", async () => {
  const { hub, client, project } = await joined([block(1, { a: 1, text: "ab" }), block(2, { a: 1 })])
  await hub.close(1006)
  project.update(idOf(1), { a: 2 })
  project.update(idOf(2), { a: 2 })
  client.reconnect()
  await hub.welcome()
  await hub.joined(9, [block(1, { a: 3, text: "ab" }, { version: 4 }), block(2, { a: 1, b: 1 }, { version: 4 })])
  expect(hub.edits().map(({ epoch, ops }) => [epoch, ops[0]])).toMatchObject([
    ["e-1", { block: idOf(1), baseVersion: 1 }],
    ["e-1", { block: idOf(2), baseVersion: 4 }],
  ])
})

test("ed14_after_an_epoch_change_what_was_sent_keeps_its_epoch_and_what_waits_follows_where_nothing_differs", async () => {
  const { hub, client, project } = await joined([block(1, { a: 1 }), block(2, { a: 1 })])
  project.update(idOf(1), { a: 2 })
  await settle()
  await hub.close(1006)
  project.update(idOf(2), { a: 2 })
  client.reconnect()
  await hub.welcome()
  await hub.joined(9, [block(1, { a: 1 }, { version: 1 }), block(2, { a: 1 }, { version: 1 })], { epoch: "e-2" })
  expect(hub.edits().map(({ epoch, ops }) => [epoch, ops[0]!.block])).toEqual([
    ["e-1", idOf(1)],
    ["e-2", idOf(2)],
  ])
  expect(project.epoch).toBe("e-2")
})

test("jn2_an_event_of_another_epoch_makes_it_join_again", async () => {
  const { hub } = await joined([block(1)])
  hub.say({ type: "events", project: PROJECT, epoch: "e-2", events: [event(2, [])] })
  expect(hub.sent("join").at(-1)).toMatchObject({ since: { epoch: "e-1", seq: 1 } })
})

test("ac3_who_loses_access_leaves_and_may_edit_no_more", async () => {
  const { hub, client, project } = await joined([block(1)])
  const kept = project.update(idOf(1), { a: 1 })
  hub.say({ type: "left", project: PROJECT, reason: "forbidden" })
  expect([project.state, kept.state.status, project.update(idOf(1), { a: 2 }).state]).toMatchObject([
    { state: "left", reason: "forbidden" },
    "pending",
    { status: "rejected", code: "forbidden" },
  ])
  await hub.close(1006)
  client.reconnect()
  await hub.welcome()
  expect(hub.sent("join")).toEqual([])
})

test("a_join_that_is_refused_says_why_and_one_that_has_to_wait_waits", async () => {
  const hub = new FakeHub()
  const project = hub.client().project(PROJECT)
  await hub.welcome()
  await hub.refuse(hub.sent("join")[0]!.id, "busy", 2_000)
  await vi.advanceTimersByTimeAsync(2_000)
  await hub.refuse(hub.sent("join")[1]!.id, "not_found")
  expect(project.state).toEqual({ state: "left", reason: "not_found" })
})

test("what_is_asked_before_the_project_is_joined_is_asked_then", async () => {
  const hub = new FakeHub()
  const project = hub.client().project(PROJECT)
  await hub.welcome()
  const history = project.history({ limit: 1 })
  expect(hub.sent("history")).toEqual([])
  await hub.joined(1, [])
  const [{ id } = { id: "" }] = hub.sent("history")
  hub.say({ type: "history", id, requestId: "r", project: PROJECT, events: [], more: true })
  expect(await history).toEqual({ events: [], more: true })
})

test("title_access_and_role_are_told", async () => {
  const { hub, project } = await joined()
  hub.say({ type: "project", project: PROJECT, title: "New", access: "viewer" })
  hub.say({ type: "role", project: PROJECT, role: "owner" })
  expect([project.title, project.access, project.role]).toEqual(["New", "viewer", "owner"])
})

test("close_leaves_and_the_next_project_of_that_id_is_a_new_one", async () => {
  const { hub, client, project } = await joined()
  project.close()
  expect([project.state, hub.sent("leave")]).toEqual([
    { state: "left", reason: "closed" },
    [{ type: "leave", id: expect.any(String), project: PROJECT }],
  ])
  expect(client.project(PROJECT)).not.toBe(project)
  expect(hub.sent("join").length).toBe(1)
  await settle()
  expect(hub.sent("join").length).toBe(2)
})

test("pr1_presence_is_throttled_to_the_latest_and_set_again_after_a_reconnect", async () => {
  const { hub, client, project } = await joined()
  for (const x of [1, 2, 3]) project.setPresence({ x })
  expect(hub.sent("presence").map(({ state }) => state)).toEqual([{ x: 1 }])
  await vi.advanceTimersByTimeAsync(50)
  expect(hub.sent("presence").map(({ state }) => state)).toEqual([{ x: 1 }, { x: 3 }])
  await vi.advanceTimersByTimeAsync(1_000)
  expect(hub.sent("presence").length).toBe(2)
  await hub.close(1012)
  client.reconnect()
  await hub.welcome()
  expect(hub.sent("join")).toMatchObject([{ presence: { x: 3 } }])
})

test("pr2_who_is_here_follows_what_the_hub_says_and_is_nobody_while_offline", async () => {
  const { hub, project } = await joined()
  expect(project.members).toEqual([
    { connection: "connection-1", user: { id: "ann", name: "Ann", kind: "human" }, self: true },
  ])
  const before = project.members
  hub.say({ type: "presence", project: PROJECT, updates: [{ connection: "b", user: { id: "bob" }, state: { x: 1 } }] })
  expect(project.members).toEqual([before[0], { connection: "b", user: { id: "bob" }, state: { x: 1 }, self: false }])
  expect(project.members[0]).toBe(before[0])
  hub.say({ type: "presence", project: PROJECT, updates: [{ connection: "b", left: true }] })
  expect(project.members.length).toBe(1)
  await hub.close(1006)
  expect(project.members).toEqual([])
})

test("pr3_signals_go_to_who_is_here_and_are_lost_while_offline", async () => {
  const { hub, project } = await joined()
  const heard: unknown[] = []
  project.onSignal(signal => heard.push(signal))
  project.signal("wave", { hand: 1 })
  expect(hub.sent("signal")).toEqual([{ type: "signal", project: PROJECT, event: "wave", data: { hand: 1 } }])
  hub.say({
    type: "signal",
    project: PROJECT,
    event: "wave",
    data: null,
    from: { connection: "b", user: { id: BOB.id } },
  })
  expect(heard).toEqual([{ event: "wave", data: null, from: { connection: "b", user: { id: "bob" }, self: false } }])
  await hub.close(1006)
  expect(() => project.signal("wave")).not.toThrow()
})

test("a_listener_that_throws_hinders_nobody_and_its_error_is_everybodys_to_see", async () => {
  const { hub, project } = await joined([block(1)])
  const [heard, uncaught]: [Event[], (() => void)[]] = [[], []]
  vi.stubGlobal("queueMicrotask", (act: () => void) => uncaught.push(act))
  project.onEvent(() => {
    throw new Error("mine")
  })
  project.onEvent(each => heard.push(each))
  hub.say({ type: "events", project: PROJECT, epoch: "e-1", events: [event(2, [update(1, 2, { a: 2 })])] })
  vi.unstubAllGlobals()
  expect([heard.length, project.seq]).toEqual([1, 2])
  expect(() => uncaught.forEach(act => act())).toThrow("mine")
})
