// The client against the real hub.

import { afterEach, beforeEach, expect, test } from "vitest"
import { MemoryDrafts, type Block, type Client, type Event, type Project } from "../src/index.js"
import { Hub, token } from "./harness/hub.js"
import { cuttable } from "./harness/node-socket.js"
import { until } from "./harness/until.js"

let hub: Hub
beforeEach(async () => void (hub = await Hub.start()))
afterEach(() => hub.stop())

const isLive = (...projects: Project[]) =>
  until("all are in", () => projects.every(({ state }) => state.state === "live"))
const isSaved = (...projects: Project[]) =>
  until("everything is saved", () => projects.every(({ sync }) => sync.unsaved === 0))
const alike = (one: Project, other: Project) =>
  until("both have the same", () => one.sync.unsaved + other.sync.unsaved === 0 && one.seq === other.seq).then(() =>
    expect(one.blocks).toEqual(other.blocks),
  )
const texts = (project: Project) => project.blocks.map(({ content }) => content.text)

/** Ann's new project, open with Ann and with Bob. */
async function shared(
  blocks: { kind: string; content: { text: string } }[] = [],
): Promise<{ ann: Project; bob: Project; clients: Client[] }> {
  const clients = [hub.client("ann"), hub.client("bob")] as const
  const { id } = await clients[0].createProject({ title: "Shared", access: "editor", blocks })
  const [ann, bob] = clients.map(client => client.project(id)) as [Project, Project]
  await isLive(ann, bob)
  return { ann, bob, clients: [...clients] }
}

test("jn5_what_one_does_the_other_sees", async () => {
  const { ann, bob } = await shared()
  const first = ann.insert({ kind: "text", content: { text: "one" } })
  ann.insert({ kind: "text", after: first.block, content: { text: "two" } })
  const child = ann.insert({ kind: "text", parent: first.block, content: { text: "child" } })
  await until("bob sees three", () => bob.blocks.length === 3)
  bob.update(first.block, { done: true })
  bob.move(child.block, { parent: null, after: null })
  await alike(ann, bob)
  expect(texts(ann)).toEqual(["child", "one", "two"])
  bob.delete(first.block)
  await until("it is gone", () => ann.block(first.block) === undefined)
  await alike(ann, bob)
})

test("ed12_two_people_in_one_paragraph_see_each_others_letters_and_end_alike", async () => {
  const { ann, bob } = await shared([{ kind: "text", content: { text: "--" } }])
  const id = ann.blocks[0]!.id
  for (let round = 0; round < 20; round++) {
    for (const [person, letter] of [
      [ann, "a"],
      [bob, "b"],
    ] as const) {
      const text = String(person.block(id)!.content.text)
      person.text(id, "/text", [{ at: 1 + text.lastIndexOf(letter) || 1, delete: 0, insert: letter }])
    }
    const seen = ann.seq
    if (round % 5 === 0) await until("something is confirmed", () => ann.seq > seen)
  }
  await alike(ann, bob)
  const text = String(ann.block(id)!.content.text)
  expect([text.replaceAll("b", ""), text.replaceAll("a", "")]).toEqual([`-${"a".repeat(20)}-`, `-${"b".repeat(20)}-`])
})

test("ed5_a_conflict_is_told_with_both_sides_and_mine_wins_if_one_says_so", async () => {
  const { ann, bob } = await shared([{ kind: "text", content: { text: "base" } }])
  const id = ann.blocks[0]!.id
  let asked = 0
  ann.onConflict(({ blocks: [block] }) => {
    asked++
    expect(block).toMatchObject({
      block: id,
      paths: ["/text"],
      base: { text: "base" },
      mine: { text: "mine" },
      theirs: { content: { text: "theirs" } },
      changedBy: { id: "bob" },
    })
    return { keep: "mine" }
  })
  const [theirs, mine] = [bob.update(id, { text: "theirs" }), ann.update(id, { text: "mine" }, { onConflict: "merge" })]
  await Promise.all([theirs.saved, mine.saved]).catch(() => {})
  await alike(ann, bob)
  // Who came second was asked: bob has no handler, so that his edit was rejected if that was he.
  expect([asked + bob.sync.edits.length, texts(ann)]).toEqual([1, ["mine"]])
})

test("hi1_hi2_history_undo_redo_restore_and_the_project_as_it_was", async () => {
  const { ann, bob } = await shared([{ kind: "text", content: { text: "one" } }])
  const id = ann.blocks[0]!.id
  await ann.update(id, { text: "two" }).saved
  await ann.update(id, { text: "three" }).saved
  expect(await ann.undo()).toMatchObject({ done: "undone" })
  expect(await ann.undo()).toMatchObject({ done: "undone" })
  await until("one again", () => texts(ann)[0] === "one")
  expect(await ann.redo()).toMatchObject({ done: "undone" })
  await until("two again", () => texts(ann)[0] === "two")
  const { seq } = await ann.restore(3)
  await until("restored", () => ann.seq >= seq)
  expect(texts(ann)).toEqual(["three"])
  const { events, more } = await ann.history({ limit: 2 })
  expect([events.map(event => event.seq), more]).toEqual([[seq, seq - 1], true])
  expect((await ann.at(2)).blocks.map(({ content }) => content.text)).toEqual(["two"])
  expect(await ann.undo()).toMatchObject({ done: "undone" })
  await until("before the restore", () => texts(ann)[0] === "two")
  await alike(ann, bob)
})

test("jn3_edits_made_while_the_hub_is_away_are_kept_and_saved_when_it_is_back", async () => {
  const { ann, bob } = await shared([{ kind: "text", content: { text: "one" } }])
  const id = ann.blocks[0]!.id
  await hub.down("SIGKILL")
  await until("offline", () => ann.state.state === "offline" && bob.state.state === "offline")
  const edits = [
    ann.text(id, "/text", [{ at: 3, delete: 0, insert: " two" }]),
    ann.insert({ kind: "text", content: { text: "new" } }),
    bob.text(id, "/text", [{ at: 0, delete: 0, insert: "> " }]),
  ]
  expect([texts(ann), ann.sync.unsaved]).toEqual([["new", "one two"], 2])
  await hub.up()
  await Promise.all(edits.map(edit => edit.saved))
  await alike(ann, bob)
  expect(texts(ann)).toEqual(["new", "> one two"])
})

test("dr1_a_deploy_loses_nothing_and_applies_nothing_twice", async () => {
  const { ann, bob } = await shared([{ kind: "text", content: { text: "" } }])
  const id = ann.blocks[0]!.id
  const down = hub.down("SIGTERM")
  for (let round = 0; round < 30; round++) {
    for (const person of [ann, bob])
      person.text(id, "/text", [{ at: String(person.block(id)!.content.text).length, delete: 0, insert: "x" }])
    const { seq } = ann
    await until("something happens", () => ann.seq > seq || ann.state.state !== "live")
  }
  await down
  await hub.up()
  await isSaved(ann, bob)
  await alike(ann, bob)
  expect(texts(ann)).toEqual(["x".repeat(60)])
})

test("ed2_a_page_that_was_reloaded_with_unsaved_edits_saves_each_once", async () => {
  const drafts = new MemoryDrafts()
  const { webSocket } = cuttable("edit")
  const before = hub.client("ann", { drafts, webSocket })
  const { id } = await before.createProject({ title: "Reload", blocks: [{ kind: "text", content: { text: "ab" } }] })
  const project = before.project(id)
  await isLive(project)
  const edits = [
    project.text(project.blocks[0]!.id, "/text", [{ at: 1, delete: 0, insert: "X" }]),
    project.insert({ kind: "text", content: { text: "new" } }),
  ]
  await until("the insert was sent, and its answer lost", () => project.state.state === "offline")
  before.close()
  expect(edits.map(edit => edit.state.status)).toEqual(["pending", "pending"])
  const again = hub.client("ann", { drafts }).project(id)
  await isLive(again)
  await isSaved(again)
  await until("nothing is kept", async () => (await drafts.load(id)).length === 0)
  const { events } = await hub.get<{ events: Event[] }>(`/projects/${id}/events?since=1`, "ann")
  expect(events.map(event => event.editId).sort()).toEqual(edits.map(edit => edit.id).sort())
  expect(texts(again)).toEqual(["new", "aXb"])
})

test("jn4_two_thousand_blocks_and_a_snapshot_in_parts", async () => {
  const client = hub.client("ann")
  const { id } = await client.createProject({ title: "Large" })
  const project = client.project(id)
  await isLive(project)
  let after: string | null = null
  for (let part = 0; part < 20; part++) {
    project.edit(tx => {
      for (let index = 0; index < 100; index++)
        after = tx.insert({ kind: "text", after, content: { text: `${part * 100 + index} ${"x".repeat(200)}` } })
    })
  }
  await isSaved(project)
  const other = hub.client("bob").project(id)
  await until("bob has all", () => other.state.state === "live" && other.seq === 20)
  expect(other.blocks.map(({ content }) => parseInt(String(content.text)))).toEqual(
    Array.from({ length: 2_000 }, (_, index) => index),
  )
  expect(other.blocks).toEqual(project.blocks)
})

test("pr1_pr3_presence_and_signals_reach_the_others", async () => {
  const { ann, bob, clients } = await shared()
  const heard: unknown[] = []
  bob.onSignal(({ event, data, from }) => heard.push([event, data, from.user.id]))
  ann.setPresence({ cursor: 3 })
  await until("bob sees ann's cursor", () =>
    bob.members.some(({ user, state }) => user.id === "ann" && JSON.stringify(state) === '{"cursor":3}'),
  )
  ann.signal("wave", { hand: "left" })
  await until("bob hears it", () => heard.length > 0)
  expect(heard).toEqual([["wave", { hand: "left" }, "ann"]])
  clients[0]!.close()
  await until("ann is gone", () => bob.members.every(({ self }) => self))
})

test("a_theme_that_one_gives_the_project_is_read_by_all_who_are_told", async () => {
  const { ann, bob, clients } = await shared()
  const told: (string | null)[] = []
  bob.on("info", () => void bob.info().then(info => told.push(info.theme)))
  const theme = { colors: { accent: "#3366ff" }, fonts: {}, spacing: { gap: 8 } }
  const id = `night-${ann.id}`
  await clients[0]!.writeTheme(id, theme)
  await ann.setTheme(id)
  await until("bob is told", () => told.includes(id))
  expect(await clients[1]!.readTheme(id)).toMatchObject(theme)
  await expect(clients[1]!.writeTheme(id, {})).rejects.toMatchObject({ code: "forbidden" })
  await ann.setTheme(null)
  await until("bob is told that there is none", () => told.at(-1) === null)
  await expect(clients[1]!.readTheme("none such")).rejects.toMatchObject({ code: "not_found" })
})

test("ac3_title_access_and_deletion_are_told_to_all", async () => {
  const { ann, bob, clients } = await shared()
  await ann.rename("Renamed")
  await until("bob sees the title", () => bob.title === "Renamed")
  await ann.setAccess("viewer")
  await until("bob may only read", () => bob.role === "viewer")
  expect(bob.insert({ kind: "text" }).state).toMatchObject({ status: "rejected", code: "forbidden" })
  await ann.remove()
  await until("both have left", () => ann.state.state === "left" && bob.state.state === "left")
  expect(bob.state).toEqual({ state: "left", reason: "deleted" })
  const none = clients[1]!.project("00000000-0000-4000-8000-000000000009")
  await until("there is no such project", () => none.state.state === "left")
  expect(none.state).toEqual({ state: "left", reason: "not_found" })
  await expect(clients[1]!.createProject({ title: "" })).rejects.toMatchObject({
    name: "HubError",
    code: expect.any(String),
  })
})

test("cn7_a_token_is_refreshed_on_the_live_socket_before_it_ends", async () => {
  const keyed = await Hub.withTokens()
  try {
    let given = 0
    const client = keyed.client("ann", { token: () => token("ann", ++given <= 2 ? 62 : 3_600) })
    const { id } = await client.createProject({ title: "Tokens" })
    const project = client.project(id)
    await isLive(project)
    const { connection } = client
    await until("a third token was asked for", () => given >= 3)
    await project.insert({ kind: "text" }).saved
    expect(client.connection).toBe(connection)
  } finally {
    await keyed.stop()
  }
})

test("cn6_a_forged_token_opens_nothing_and_the_next_one_does", async () => {
  const keyed = await Hub.withTokens()
  try {
    let given = 0
    const client = keyed.client("ann", { token: () => (++given < 3 ? "forged" : token("ann", 3_600)) })
    await until("the third token is good", () => client.connection.state === "open")
    expect(given).toBe(3)
    const none = keyed.client("bob")
    await until("no token, no connection", () => none.connection.state === "closed")
  } finally {
    await keyed.stop()
  }
})

test("at_the_end_the_hub_has_what_is_shown", async () => {
  const { ann, bob } = await shared([{ kind: "text", content: { text: "one" } }])
  ann.edit(tx => {
    tx.text(ann.blocks[0]!.id, "/text", [{ at: 1, delete: 2, insert: "" }])
    tx.insert({ kind: "text", after: ann.blocks[0]!.id, content: { text: "ne" } })
  })
  await alike(ann, bob)
  const { blocks } = await hub.get<{ blocks: Block[] }>(`/projects/${ann.id}/blocks`, "ann")
  expect(ann.blocks).toEqual(blocks)
})
