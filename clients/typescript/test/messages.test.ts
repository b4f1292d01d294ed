// The golden messages of the contract, one file each, which the hub's own tests read too.

import { readdirSync, readFileSync } from "node:fs"
import { afterEach, beforeEach, expect, test, vi } from "vitest"
import type { ClientMessage, Json, ServerMessage } from "../src/index.js"
import { block, FakeHub, idOf, joined, PROJECT, settle } from "./harness/fake.js"

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }))
afterEach(() => void vi.useRealTimers())

const FOLDER = new URL("../../../tests/data/messages/", import.meta.url)

function golden<Message>(side: "client" | "hub"): Message[] {
  const files = readdirSync(new URL(`${side}/`, FOLDER)).filter(name => name.endsWith(".json"))
  expect(files.length).toBeGreaterThan(10)
  return files.map(name => JSON.parse(readFileSync(new URL(`${side}/${name}`, FOLDER), "utf8")) as Message)
}

/** The keys of an object, and of the objects in its lists, with the types of what they hold. */
function shape(value: Json, path = ""): string[] {
  if (Array.isArray(value))
    return value.flatMap(each => shape(each, `${path}[${(each as { op?: string } | null)?.op ?? ""}]`))
  if (typeof value !== "object" || value === null) return [`${path}: ${value === null ? "null" : typeof value}`]
  if (/content|patch|state|data|presence$/.test(path)) return [`${path}: json`]
  return Object.entries(value).flatMap(([key, inner]) => shape(inner, `${path}.${key}`))
}

/** Golden values that may be null or a string are both right. */
const loose = (shapes: string[]) =>
  new Set(
    shapes.flatMap(each =>
      /(parent|after): /.test(each)
        ? [each.replace(/: .*/, ": null"), each.replace(/: .*/, ": string")]
        : /(data|state|presence): /.test(each)
          ? [each.replace(/: .*/, ": json")]
          : [each],
    ),
  )

async function everythingAClientSays(): Promise<ClientMessage[]> {
  const hub = new FakeHub()
  const client = hub.client({ token: () => "t" })
  await hub.welcome()
  const project = client.project(PROJECT)
  project.setPresence({ x: 1 })
  await settle()
  await hub.joined(1, [block(1), block(2)])
  project.setPresence({ x: 2 })
  project.signal("wave", { x: 1 })
  const answers = [project.history({ before: 5, limit: 2 }), project.restore(1)]
  project.insert({ kind: "text", content: { text: "new" } }, { group: idOf(99) })
  project.edit(tx => (tx.text(idOf(1), "/text", [{ at: 0, delete: 1, insert: "T" }]), tx.update(idOf(1), { a: 1 })))
  project.edit(tx => (tx.move(idOf(2), { parent: null, after: null }), tx.delete(idOf(2))))
  await vi.advanceTimersByTimeAsync(200)
  for (const edit of hub.edits()) await hub.ack(edit, 2)
  const undone = project.undo()
  hub.say({ type: "tokenExpiring", expiresAt: "2026-01-01T00:00:00.000Z" })
  await vi.advanceTimersByTimeAsync(60_000)
  client.reconnect()
  await hub.welcome()
  project.close()
  expect((await Promise.allSettled([...answers, undone])).map(({ status }) => status)).toEqual([
    "rejected",
    "rejected",
    "rejected",
  ])
  return hub.sockets.flatMap(({ sent }) => sent)
}

test("whatever_the_client_says_has_the_shape_of_the_golden_message", async () => {
  const allowed = new Map<string, Set<string>>()
  for (const message of golden<ClientMessage>("client"))
    allowed.set(
      message.type,
      new Set([...(allowed.get(message.type) ?? []), ...loose(shape(message as unknown as Json))]),
    )
  const said = await everythingAClientSays()
  expect(new Set(said.map(({ type }) => type))).toEqual(new Set(allowed.keys()))
  for (const message of said) {
    const own = shape(message as unknown as Json).map(each => each.replace(/(data|state|presence): .*/, "$1: json"))
    expect([message.type, own.filter(each => !allowed.get(message.type)!.has(each))]).toEqual([message.type, []])
  }
})

test("whatever_the_hub_says_a_client_takes_without_a_complaint", async () => {
  for (const message of golden<ServerMessage>("hub")) {
    const { hub, client, project } = await joined([block(1)])
    const here = "project" in message ? { ...message, project: PROJECT } : message
    hub.say(here as ServerMessage)
    await settle()
    expect([message.type, client.connection.state, project.state.state]).toEqual([
      message.type,
      "open",
      message.type === "left"
        ? "left"
        : message.type === "events" || message.type === "joined"
          ? expect.any(String)
          : "live",
    ])
    client.close()
  }
})
