// A hub of a test's own, for tests that end it or need other settings; its database is a file in a folder of its own.
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import path from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"

/** The hub's program: what BLOCKHUB_TEST_PROGRAM names, or else the debug build. */
export const program = process.env.BLOCKHUB_TEST_PROGRAM ?? fileURLToPath(new URL("../../../target/debug/blockhub", import.meta.url))

export class OwnHub {
  /** Starts one; `folder` is that of a hub that has ended, whose database it goes on with. */
  static async start(settings = {}, folder = undefined) {
    const hub = new OwnHub()
    hub.folder = folder ?? await mkdtemp(path.join(tmpdir(), "blockhub-own-"))
    const { REDIS_URL, ...environment } = process.env
    const env = { ...environment, DATABASE_URL: `sqlite:${hub.folder}/hub.db`, BLOCKHUB_LISTEN: "127.0.0.1:0", ...settings }
    hub.process = spawn(program, [], { env, stdio: ["ignore", "pipe", "pipe"] })
    hub.exited = once(hub.process, "exit")
    hub.log = ""
    hub.process.stderr.on("data", data => { hub.log += data })
    hub.url = await hub.#listening()
    hub.process.stdout.resume()
    return hub
  }

  async #listening() {
    for await (const line of createInterface({ input: this.process.stdout })) {
      this.log += `${line}\n`
      const found = line.match(/listening on (http:\/\/\S+)/)
      if (found) return found[1]
    }
    throw new Error(`the hub did not start:\n${this.log}`)
  }

  /** Ends it with a signal, and waits until it has. */
  async end(signal = "SIGKILL") {
    this.process.kill(signal)
    const [code] = await this.exited
    return code
  }

  async remove() {
    if (this.process.exitCode === null && this.process.signalCode === null) await this.end()
    await rm(this.folder, { recursive: true, force: true })
  }
}

/** Runs a test with a hub of its own. */
export const withHub = (settings, body) => async () => {
  const own = await OwnHub.start(settings)
  try { await body(own) } finally { await own.remove() }
}
