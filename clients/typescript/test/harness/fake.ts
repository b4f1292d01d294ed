// A hub that does what the test says, on sockets that are not there. With fake timers nothing here takes time.

import { vi } from "vitest"
import {
  connect,
  MemoryDrafts,
  type Block,
  type Client,
  type ClientMessage,
  type ConnectOptions,
  type EditMessage,
  type Event,
  type EventOp,
  type Json,
  type Limits,
  type Project,
  type ServerMessage,
  type WebSocketClass,
} from "../../src/index.js"

export const PROJECT = "00000000-0000-4000-8000-000000000001"
export const ANN = { id: "ann", name: "Ann", kind: "human" } as const
export const BOB = { id: "bob", name: "Bob", kind: "human" } as const

const LIMITS: Limits = {
  maxMessageBytes: 1 << 20,
  maxEditBytes: 1 << 18,
  maxBlockBytes: 1 << 18,
  maxOps: 100,
  maxTextWindow: 10_000,
  maxPresenceBytes: 4096,
  maxProjectsPerConnection: 32,
  pingIntervalMs: 25_000,
  pongTimeoutMs: 5_000,
  compressMinBytes: 1024,
}

type Sent<Type extends string> = Extract<ClientMessage, { type: Type }> & { id: string }

class FakeSocket {
  onopen: ((event: never) => void) | null = null
  onmessage: ((event: never) => void) | null = null
  onclose: ((event: never) => void) | null = null
  onerror: ((event: never) => void) | null = null
  readonly sent: ClientMessage[] = []
  readonly url: string
  readonly protocols: string[]
  state: "open" | "closed" = "open"

  constructor(url: string, protocols: string[]) {
    this.url = url
    this.protocols = protocols
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text) as ClientMessage)
  }

  close(): void {
    this.state = "closed"
  }
}

export class FakeHub {
  readonly sockets: FakeSocket[] = []
  readonly webSocket: WebSocketClass
  connections = 0

  constructor() {
    const { sockets } = this
    this.webSocket = class extends FakeSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols)
        sockets.push(this)
      }
    } as unknown as WebSocketClass
  }

  client(more: ConnectOptions = {}): Client {
    return connect({
      url: "http://hub",
      user: { id: "ann" },
      webSocket: this.webSocket,
      drafts: new MemoryDrafts(),
      random: () => 0.5,
      ...more,
    })
  }

  get socket(): FakeSocket {
    return this.sockets.at(-1)!
  }

  /** What was sent on the last socket, of one type. */
  sent<Type extends ClientMessage["type"]>(type: Type): Sent<Type>[] {
    return this.socket.sent.filter(message => message.type === type) as Sent<Type>[]
  }

  edits(): (EditMessage & { id: string })[] {
    return this.sent("edit")
  }

  say(message: ServerMessage): void {
    this.socket.onmessage?.({ data: JSON.stringify(message) } as never)
  }

  async close(code: number): Promise<void> {
    this.socket.onclose?.({ code, reason: "" } as never)
    await settle()
  }

  /** Opens the last socket and answers its `hello`. */
  async welcome(limits: Partial<Limits> = {}): Promise<void> {
    await settle()
    this.socket.onopen?.({} as never)
    const connection = `connection-${++this.connections}`
    this.say({
      type: "welcome",
      id: "hello",
      requestId: "r",
      connection,
      session: "session-1",
      hub: "hub-1",
      user: { ...ANN, tier: "free" },
      limits: { ...LIMITS, ...limits },
    })
    await settle()
  }

  /** Answers the last `join` with a snapshot. */
  async joined(
    seq: number,
    blocks: Block[],
    more: { epoch?: string; part?: boolean; title?: string } = {},
  ): Promise<void> {
    const { id } = this.sent("join").at(-1)!
    const { epoch = "e-1", part = false, title = "Title" } = more
    this.say({
      type: "joined",
      id,
      requestId: "r",
      project: PROJECT,
      title,
      role: "editor",
      epoch,
      seq,
      recovered: false,
      blocks,
      more: part,
      members: [{ connection: `connection-${this.connections}`, user: ANN }],
    })
    await settle()
  }

  /** Answers the last `join` with events. */
  async recovered(seq: number, events: Event[]): Promise<void> {
    const { id } = this.sent("join").at(-1)!
    this.say({
      type: "joined",
      id,
      requestId: "r",
      project: PROJECT,
      title: "Title",
      role: "editor",
      epoch: "e-1",
      seq,
      recovered: true,
      events,
      members: [],
    })
    await settle()
  }

  async event(event: Event): Promise<void> {
    this.say({ type: "events", project: PROJECT, epoch: "e-1", events: [event] })
    await settle()
  }

  async ack(
    { id, editId }: { id: string; editId: string },
    seq: number,
    more: { duplicate?: boolean; merged?: boolean } = {},
  ): Promise<void> {
    this.say({
      type: "ack",
      id,
      requestId: "r",
      project: PROJECT,
      editId,
      seq,
      versions: {},
      merged: false,
      overwrote: false,
      duplicate: false,
      ...more,
    })
    await settle()
  }

  async refuse(
    id: string,
    code:
      | "busy"
      | "rate_limited"
      | "forbidden"
      | "internal"
      | "not_joined"
      | "invalid_edit"
      | "draining"
      | "unauthenticated"
      | "not_found",
    retryAfterMs?: number,
  ): Promise<void> {
    this.say({
      type: "error",
      id,
      requestId: "r",
      code,
      message: `It is ${code}.`,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    })
    await settle()
  }
}

/** Lets everything that needs no time happen. */
export async function settle(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0)
}

/** A project that is joined, on a hub of the test's. */
export async function joined(
  blocks: Block[] = [],
  options: ConnectOptions = {},
  seq = 1,
): Promise<{ hub: FakeHub; client: Client; project: Project }> {
  const hub = new FakeHub()
  const client = hub.client(options)
  const project = client.project(PROJECT)
  await hub.welcome()
  await hub.joined(seq, blocks)
  return { hub, client, project }
}

/** A block at the top, named by its number: positions a0, a1, … */
export function block(
  number: number,
  content: Record<string, Json> = { text: `text ${number}` },
  more: Partial<Block> = {},
): Block {
  return { id: idOf(number), kind: "text", parent: null, position: `a${number}`, content, version: 1, ...more }
}

export function idOf(number: number): string {
  return `10000000-0000-4000-8000-${String(number).padStart(12, "0")}`
}

/** An event of Bob's, or the one of an edit. */
export function event(seq: number, ops: EventOp[], editId = `bob-${seq}`): Event {
  return {
    seq,
    editId,
    requestId: "r",
    actor: editId.startsWith("bob") ? BOB : ANN,
    at: "2026-01-01T00:00:00.000Z",
    ops,
  }
}
