// Real hubs for the browser tests: the program named by BLOCKHUB_TEST_PROGRAM, on a free port, in a temporary folder.
//
// Promises: a hub that was killed starts again on the same port and database; all are gone when the test file ends.
// Must never: listen beyond 127.0.0.1, or share a database between two test files.
import assert from "node:assert/strict"
import { execFileSync } from "node:child_process"
import { randomUUID } from "node:crypto"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { createInterface } from "node:readline"
import { startChild } from "./children.mjs"

const PROGRAM = resolve(process.env.BLOCKHUB_TEST_PROGRAM ?? join(import.meta.dirname, "../../../target/debug/blockhub"))
const LINES_KEPT = 200

/** A port that nobody listens on. */
export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address()
  server.close()
  await once(server, "close")
  return port
}

/** A folder that goes with `close`. */
export function temporaryFolder() {
  const path = mkdtempSync(join(tmpdir(), "blockhub-web-"))
  return { path, close: () => rmSync(path, { recursive: true, force: true }) }
}

export class Hub {
  process = null
  lines = []

  constructor(port, environment, folder) {
    Object.assign(this, { port, environment, folder, url: `http://127.0.0.1:${port}` })
  }

  /** A hub on a database of its own, unless the settings name one. */
  static async start(settings = {}) {
    const folder = temporaryFolder()
    const database = { DATABASE_URL: `sqlite:${join(folder.path, "blockhub.db")}` }
    const hub = new Hub(await freePort(), { BLOCKHUB_DRAIN_SECS: "2", ...database, ...settings }, folder)
    await hub.run()
    return hub
  }

  async run() {
    const env = { PATH: process.env.PATH, ...this.environment, BLOCKHUB_LISTEN: `127.0.0.1:${this.port}` }
    this.process = startChild(PROGRAM, ["serve"], { cwd: this.folder.path, env, stdio: ["ignore", "ignore", "pipe"] })
    this.ended = once(this.process, "exit")
    const log = createInterface({ input: this.process.stderr })
    log.on("line", line => (this.lines = [...this.lines, line].slice(-LINES_KEPT)))
    await Promise.race([this.#isReady(), this.ended.then(() => assert.fail(`the hub ended: ${this.lines.join("\n")}`))])
  }

  async #isReady() {
    while (!(await fetch(`${this.url}/api/health/ready`).then(answer => answer.ok, () => false))) await new Promise(setImmediate)
  }

  /** Ends it at once, without a word to anybody. */
  async kill() {
    this.process.kill("SIGKILL")
    await this.ended
  }

  /** Tells it to stop in good order, as a deploy does; `ended` tells when it has. */
  deploy() {
    this.process.kill("SIGTERM")
    return this.ended
  }

  async close() {
    if (this.process.exitCode === null && this.process.signalCode === null) await this.kill()
    this.folder.close()
  }

  /** A new project with these blocks, made over HTTP. */
  async project(title, blocks = [], user = "maker") {
    const answer = await fetch(`${this.url}/api/projects`, {
      method: "POST", headers: { "Content-Type": "application/json", "X-BlockHub-User": user }, body: JSON.stringify({ title, blocks }),
    })
    assert.equal(answer.status, 201, await answer.clone().text())
    return (await answer.json()).id
  }

  /** What the database holds of a project, in order: kinds and texts. */
  async texts(project) {
    const { blocks } = await (await fetch(`${this.url}/api/projects/${project}/blocks`)).json()
    return blocks.map(block => block.content.text)
  }
}

/** A fresh Postgres database on the server that BLOCKHUB_TEST_POSTGRES names; gone with `close`. */
export function postgres() {
  const server = process.env.BLOCKHUB_TEST_POSTGRES
  assert.ok(server, "BLOCKHUB_TEST_POSTGRES names no server: run this with `./test with`")
  const name = `web_${randomUUID().replaceAll("-", "")}`
  const ask = question => execFileSync("psql", [server, "-qc", question], { stdio: ["ignore", "ignore", "pipe"] })
  ask(`create database ${name}`)
  const url = new URL(server)
  url.pathname = `/${name}`
  return { url: url.href, close: () => ask(`drop database ${name} with (force)`) }
}
