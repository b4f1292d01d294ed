// A client of the hub on the `ws` package: sends, asks, waits for messages; a deadline only turns a hang into a failure.
import { randomUUID } from "node:crypto"
import { once } from "node:events"
import WebSocket from "ws"

export const hub = process.env.BLOCKHUB_URL ?? "http://127.0.0.1:8080"
const PATIENCE_MS = 60_000

/** Makes a project over HTTP and returns its id. */
export async function newProject(body = {}) {
  const answer = await fetch(`${hub}/api/projects`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ title: "From Node", ...body }),
  })
  if (answer.status !== 201) throw new Error(`${answer.status}: ${await answer.text()}`)
  return (await answer.json()).id
}

/** An op that puts a block with this text first. */
export const insert = (text, block = randomUUID()) => ({
  op: "insert", block, kind: "text", parent: null, after: null, content: { text },
})

export class Client {
  received = []
  #waiting = []
  #wakers = new Set()
  #asked = 0
  #closed = null

  constructor(protocols = [], options = {}) {
    this.socket = new WebSocket(`${hub.replace("http", "ws")}/ws`, protocols, options)
    this.socket.on("message", (data, isBinary) => this.#take(isBinary ? { type: "binary" } : JSON.parse(data)))
    this.socket.on("close", code => { this.#closed = code; this.#wake() })
    this.socket.on("error", error => { this.error = error; this.#wake() })
    this.upgrade = once(this.socket, "upgrade").then(([response]) => response, () => null)
  }

  /** A connection that has been welcomed. */
  static async hello(user, protocols, options) {
    const client = new Client(protocols, options)
    await once(client.socket, "open")
    client.welcome = await client.ask({ type: "hello", user: { id: user } })
    return client
  }

  send(message) {
    this.socket.send(JSON.stringify(message))
  }

  /** Sends under a new id and waits for the reply. */
  async ask(message) {
    const id = `n${++this.#asked}`
    this.send({ ...message, id })
    return this.#find(`the reply to ${id}`, message => message.id === id)
  }

  edit(project, ops, more = {}) {
    return this.ask({ type: "edit", project, editId: randomUUID(), ops, ...more })
  }

  /** Waits for the next message of this type that nobody has asked for. */
  expect(type) {
    return this.#find(type, message => message.type === type)
  }

  /** Waits until every event up to `seq` of a project is here, and returns the seqs in the order they came. */
  async reach(project, seq) {
    const seqs = () => this.received.filter(message => message.project === project && message.events)
      .flatMap(message => message.events.map(event => event.seq))
    await this.#until(`event ${seq}`, () => seqs().includes(seq))
    return seqs()
  }

  /** Waits for the close code. */
  async closed() {
    await this.#until("the end", () => this.#closed !== null)
    return this.#closed
  }

  /** Bytes that came over the wire so far. */
  get bytesRead() {
    return this.socket._socket.bytesRead
  }

  async close() {
    this.socket.close()
    return this.closed()
  }

  #take(message) {
    this.received.push(message)
    this.#waiting.push(message)
    this.#wake()
  }

  #wake() {
    for (const wake of this.#wakers) wake()
  }

  async #find(what, fits) {
    await this.#until(what, () => this.#waiting.some(fits))
    const place = this.#waiting.findIndex(fits)
    return this.#waiting.splice(place, 1)[0]
  }

  /** Looks again whenever something comes. */
  #until(what, holds) {
    return new Promise((resolve, reject) => {
      const end = (settle, value) => { clearTimeout(timer); this.#wakers.delete(look); settle(value) }
      const look = () => {
        if (holds()) end(resolve)
        else if (this.#closed !== null) end(reject, new Error(`closed (${this.#closed}) instead of ${what}`))
      }
      const told = () => this.received.slice(-10).map(message => JSON.stringify(message).slice(0, 300)).join("\n")
      const timer = setTimeout(() => end(reject, new Error(`waited in vain for ${what}; received\n${told()}`)), PATIENCE_MS)
      this.#wakers.add(look)
      look()
    })
  }
}
