// The examples, run as their first lines say, against a hub with a key.
import assert from "node:assert/strict"
import { execFile, spawn } from "node:child_process"
import { randomUUID } from "node:crypto"
import { once } from "node:events"
import path from "node:path"
import { createInterface } from "node:readline"
import { after, before, test } from "node:test"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { OwnHub, program } from "./ownhub.mjs"

const root = fileURLToPath(new URL("../../..", import.meta.url))
const secret = { BLOCKHUB_AUTH_SECRET: "an example's secret of more than thirty-two characters" }
const run = promisify(execFile)

let hub, owner

before(async () => {
  hub = await OwnHub.start(secret)
  owner = await token("--user", "ann")
})

after(() => hub.remove())

async function token(...who) {
  return (await run(program, ["token", ...who], { env: { ...process.env, ...secret } })).stdout.trim()
}

async function call(method, at, body) {
  const headers = { "Content-Type": "application/json", Authorization: `Bearer ${owner}` }
  const answer = await fetch(hub.url + at, { method, headers, body: body && JSON.stringify(body) })
  assert.ok(answer.ok, `${method} ${at}: ${answer.status} ${await answer.clone().text()}`)
  return answer.json()
}

test("examples_the_bot_finishes_sums_as_an_agent", { timeout: 60_000 }, async () => {
  const line = text => ({ id: randomUUID(), kind: "text", content: { text } })
  const blocks = [line("2 * (3 + 4) ="), line("no sum =")]
  const { id } = await call("POST", "/api/projects", { title: "Sums", blocks })
  const env = { ...process.env, BLOCKHUB_URL: hub.url }
  env.BLOCKHUB_TOKEN = await token("--user", "adder", "--kind", "agent", "--project", `${id}=editor`)
  const bot = spawn(process.execPath, [path.join(root, "examples/bot.mjs"), id], { env, stdio: ["ignore", "pipe", "inherit"] })
  try {
    const lines = createInterface({ input: bot.stdout })[Symbol.asyncIterator]()
    assert.match((await lines.next()).value, /^2 \* \(3 \+ 4\) = 14 \(saved as number 2\)$/)
    await call("POST", `/api/projects/${id}/edits`, { editId: randomUUID(), ops: [
      { op: "text", block: blocks[1].id, baseVersion: 1, path: "/text", changes: [{ at: 0, delete: 8, insert: "9 / 2 - -1 =" }] }] })
    assert.match((await lines.next()).value, /^9 \/ 2 - -1 = 5\.5 /)
    const { events } = await call("GET", `/api/projects/${id}/events?before=100`)
    assert.deepEqual(events.map(event => event.actor.kind), ["agent", "human", "agent", "human"])
  } finally {
    bot.kill()
    await once(bot, "exit")
  }
})

test("examples_notes_puts_each_line_into_a_block_behind_what_is_there", { timeout: 60_000 }, async () => {
  const env = { ...process.env, BLOCKHUB_URL: hub.url, BLOCKHUB_TOKEN: owner }
  const notes = (input, ...words) => new Promise((done, failed) => {
    const script = execFile("python3", [path.join(root, "examples/notes.py"), ...words], { env },
      (error, said, complaint) => error ? failed(new Error(complaint)) : done(said))
    script.stdin.end(input)
  })
  const first = Array.from({ length: 150 }, (_, n) => `line ${n}`)
  const said = await notes(first.join("\n"), "Shopping")
  const project = said.match(/^150 lines, saved as number \d+: http\S+\/p\/(\S+)/)[1]
  await notes("milk\n\neggs\n", "--to", project)
  const { blocks } = await call("GET", `/api/projects/${project}/blocks`)
  const shown = blocks.sort((one, other) => one.position < other.position ? -1 : 1).map(block => block.content.text)
  assert.deepEqual(shown, [...first, "milk", "eggs"])
  await assert.rejects(notes("lost", "--to", randomUUID()), /404/)
})
