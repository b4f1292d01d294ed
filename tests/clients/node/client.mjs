// A client of the hub, on any transport: sends, asks, waits for messages; a deadline only turns a hang into a failure.
// What differs between transports is in websocket.mjs and socketio.mjs.
import { randomUUID } from "node:crypto"

export const hub = process.env.BLOCKHUB_URL ?? "http://127.0.0.1:8080"
const PATIENCE_MS = 60_000

/** Makes a project over HTTP and returns its id. */
export async function newProject(body = {}, { url = hub, headers = {} } = {}) {
  const answer = await fetch(`${url}/api/projects`, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify({ title: "From Node", ...body }),
  })
  if (answer.status !== 201) throw new Error(`${answer.status}: ${await answer.text()}`)
  return (await answer.json()).id
}

/** An op that puts a block with this text first. */
export const insert = (text, block = randomUUID()) => ({
  op: "insert", block, kind: "text", parent: null, after: null, content: { text },
})

/** What a client does whatever it speaks by; `say(message)` and `leave()` are the transport's. */
export class Client {
  received = []
  #waiting = []
  #wakers = new Set()
  #asked = 0
  #end = null

  send(message) {
    this.say(message)
  }

  /** Sends under a new id and waits for the reply. */
  async ask(message) {
    const id = `n${++this.#asked}`
    this.say({ ...message, id })
    return this.#find(`the reply to ${id}`, message => message.id === id)
  }

  edit(project, ops, more = {}) {
    return this.ask({ type: "edit", project, editId: randomUUID(), ops, ...more })
  }

  /** Waits for the next message of this type that nobody has asked for. */
  expect(type, fits = () => true) {
    return this.#find(type, message => message.type === type && fits(message))
  }

  /** Waits until every event up to `seq` of a project is here, and returns the seqs in the order they came. */
  async reach(project, seq) {
    const seqs = () => this.received.filter(message => message.project === project && message.events)
      .flatMap(message => message.events.map(event => event.seq))
    await this.until(`event ${seq}`, () => seqs().includes(seq))
    return seqs()
  }

  /** Waits for the end, and says what it was. */
  async closed() {
    await this.until("the end", () => this.#end !== null)
    return this.#end
  }

  async close() {
    this.leave()
    return this.closed()
  }

  /** The transport got a message. */
  take(message) {
    this.received.push(message)
    this.#waiting.push(message)
    this.wake()
  }

  /** The transport has ended. */
  ended(how) {
    this.#end ??= how
    this.wake()
  }

  wake() {
    for (const wake of this.#wakers) wake()
  }

  async #find(what, fits) {
    await this.until(what, () => this.#waiting.some(fits))
    const place = this.#waiting.findIndex(fits)
    return this.#waiting.splice(place, 1)[0]
  }

  /** Looks again whenever something comes. */
  until(what, holds) {
    return new Promise((resolve, reject) => {
      const end = (settle, value) => { clearTimeout(timer); this.#wakers.delete(look); settle(value) }
      const look = () => {
        if (holds()) end(resolve)
        else if (this.#end !== null) end(reject, new Error(`ended (${this.#end}) instead of ${what}`))
      }
      const told = () => this.received.slice(-10).map(message => JSON.stringify(message).slice(0, 300)).join("\n")
      const timer = setTimeout(() => end(reject, new Error(`waited in vain for ${what}; received\n${told()}`)), PATIENCE_MS)
      this.#wakers.add(look)
      look()
    })
  }
}
