// Two hubs on one database: what is said on one is heard on the other, and a page that lost its hub goes on elsewhere.

import { afterAll, beforeAll, expect, test } from "vitest"
import { MemoryDrafts, type Event, type Project } from "../src/index.js"
import { seed } from "./harness/chance.js"
import { Hub } from "./harness/hub.js"
import { cuttable } from "./harness/node-socket.js"
import { freshDatabase } from "./harness/postgres.js"
import { fuzz } from "./harness/people.js"
import { until } from "./harness/until.js"

const ROUNDS = Number(process.env.FUZZ_ROUNDS ?? 300)
const timeout = 60_000 + ROUNDS * 200

let hubs: Hub[]
let drop: () => Promise<void>

beforeAll(async () => {
  const database = await freshDatabase()
  drop = database.drop
  const redis = process.env.BLOCKHUB_TEST_REDIS
  if (redis === undefined) throw new Error("BLOCKHUB_TEST_REDIS names no Redis: `./test with` starts one")
  const env = { DATABASE_URL: database.url, REDIS_URL: redis, BLOCKHUB_DB_POOL_MIN: "2", BLOCKHUB_DB_POOL_MAX: "10" }
  hubs = [await Hub.start(env), await Hub.start(env)]
})

afterAll(async () => {
  for (const hub of hubs ?? []) await hub.stop()
  await drop?.()
})

const isLive = (...projects: Project[]) =>
  until("all are in", () => projects.every(({ state }) => state.state === "live"))
const alike = (one: Project, other: Project) =>
  until("both have the same", () => one.sync.unsaved + other.sync.unsaved === 0 && one.seq === other.seq).then(() =>
    expect(one.blocks).toEqual(other.blocks),
  )

test("jn5_ed12_pr1_two_people_on_two_hubs_share_one_project", async () => {
  const [ann, bob] = [hubs[0]!.client("ann"), hubs[1]!.client("bob")]
  const { id } = await ann.createProject({
    title: "Two hubs",
    access: "editor",
    blocks: [{ kind: "text", content: { text: "--" } }],
  })
  const [one, other] = [ann.project(id), bob.project(id)]
  await isLive(one, other)
  const block = one.blocks[0]!.id
  for (let round = 0; round < 10; round++) {
    one.text(block, "/text", [{ at: 1, delete: 0, insert: "a" }])
    other.text(block, "/text", [{ at: 1, delete: 0, insert: "b" }])
    const { seq } = other
    await until("the other hears", () => other.seq > seq)
  }
  one.setPresence({ here: true })
  await until("bob sees ann", () => other.members.some(({ user, state }) => user.id === "ann" && state !== undefined))
  await alike(one, other)
  expect(String(one.block(block)!.content.text).split("").sort().join("")).toBe(`--${"a".repeat(10)}${"b".repeat(10)}`)
})

test("ed2_jn3_a_page_whose_hub_died_unanswered_goes_on_at_the_other_and_its_edit_applies_once", async () => {
  const drafts = new MemoryDrafts()
  const { webSocket } = cuttable("edit")
  const first = hubs[0]!.client("ann", { drafts, webSocket })
  const { id } = await first.createProject({ title: "Moving", blocks: [{ kind: "text", content: { text: "ab" } }] })
  const project = first.project(id)
  await isLive(project)
  const edits = [
    project.insert({ kind: "text", content: { text: "new" } }),
    project.text(project.blocks[1]!.id, "/text", [{ at: 1, delete: 0, insert: "X" }]),
  ]
  await until("the answer is lost", () => project.state.state === "offline")
  first.close()
  await hubs[0]!.down("SIGKILL")
  const again = hubs[1]!.client("ann", { drafts }).project(id)
  await isLive(again)
  await until(
    "all is saved and forgotten",
    async () => again.sync.unsaved === 0 && (await drafts.load(id)).length === 0,
  )
  const { events } = await hubs[1]!.get<{ events: Event[] }>(`/projects/${id}/events?since=1`, "ann")
  expect(events.map(event => event.editId).sort()).toEqual(edits.map(edit => edit.id).sort())
  expect(again.blocks.map(({ content }) => content.text)).toEqual(["new", "aXb"])
})

test("ed13_jn3_whatever_happens_on_two_hubs_all_end_alike_and_nothing_saved_is_missing", { timeout }, async () => {
  await hubs[0]!.up()
  await fuzz(hubs, seed(), ROUNDS)
})
