// A real hub of one's own: the binary that `BLOCKHUB_TEST_PROGRAM` names (default: the debug build), on a free port, on
// SQLite in a temporary folder, or on the database and Redis that are given.
//
// Promises: it is gone when the test is over, and so is its folder.
// Must never: listen to anybody but this machine.

import { spawn, type ChildProcess } from "node:child_process"
import { createHmac } from "node:crypto"
import { mkdtemp, rm } from "node:fs/promises"
import { createServer, type AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { connect, MemoryDrafts, type Client, type ConnectOptions } from "../../src/index.js"
import { NodeSocket } from "./node-socket.js"
import { until } from "./until.js"

const DEBUG_BUILD = fileURLToPath(new URL("../../../../target/debug/blockhub", import.meta.url))
const BINARY = process.env.BLOCKHUB_TEST_PROGRAM ?? DEBUG_BUILD
const SECRET = "0123456789abcdef0123456789abcdef"

export class Hub {
  readonly port: number
  readonly #folder: string
  readonly #env: Record<string, string>
  readonly #clients: Client[] = []
  #process: ChildProcess | null = null
  #log = ""

  private constructor(port: number, folder: string, env: Record<string, string>) {
    this.port = port
    this.#folder = folder
    this.#env = env
  }

  /** A hub that is ready. `env`: settings, as `blockhub serve --help` names them. */
  static async start(env: Record<string, string> = {}): Promise<Hub> {
    const folder = await mkdtemp(join(tmpdir(), "blockhub-client-"))
    const hub = new Hub(await freePort(), folder, env)
    await hub.up()
    return hub
  }

  static withTokens(env: Record<string, string> = {}): Promise<Hub> {
    return Hub.start({ ...env, BLOCKHUB_AUTH_SECRET: SECRET })
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** A client of this hub, on its own drafts, hasty in connecting again. */
  client(user: string, more: ConnectOptions = {}): Client {
    const client = connect({
      url: this.url,
      user: { id: user },
      webSocket: NodeSocket,
      drafts: new MemoryDrafts(),
      random: () => 0.1,
      ...more,
    })
    this.#clients.push(client)
    return client
  }

  async up(): Promise<void> {
    const env = {
      PATH: process.env.PATH ?? "",
      RUST_LOG: "warn",
      BLOCKHUB_HUB_ID: `hub-${this.port}`,
      BLOCKHUB_DRAIN_SECS: "1",
      ...this.#env,
    }
    const child = spawn(BINARY, ["serve", "--listen", `127.0.0.1:${this.port}`], {
      cwd: this.#folder,
      env,
      stdio: ["ignore", "ignore", "pipe"],
    })
    this.#process = child
    child.stderr.on("data", (data: Buffer) => (this.#log = (this.#log + data).slice(-10_000)))
    await until(
      `a hub on port ${this.port}`,
      async () => {
        if (child.exitCode !== null) throw new Error(`the hub ended: ${this.#log}`)
        return (await fetch(`${this.url}/api/health/ready`).catch(() => null))?.ok
      },
      60_000,
    )
  }

  /** Ends it, and waits until it has. */
  async down(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const child = this.#process
    this.#process = null
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise(resolve => child.once("exit", resolve))
    child.kill(signal)
    await ended
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.close()
    await this.down("SIGKILL")
    await rm(this.#folder, { recursive: true, force: true })
  }

  async get<T>(path: string, user: string): Promise<T> {
    const answer = await fetch(`${this.url}/api${path}`, { headers: { "X-BlockHub-User": user } })
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
    return (await answer.json()) as T
  }
}

/** A token of a hub that was started with tokens; it ends after `seconds`. */
export function token(user: string, seconds: number): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url")
  const body = `${part({ alg: "HS256", typ: "JWT" })}.${part({ sub: user, exp: Math.floor(Date.now() / 1000) + seconds })}`
  return `${body}.${createHmac("sha256", SECRET).update(body).digest("base64url")}`
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}
