// A client of the hub on the `ws` package.
import { once } from "node:events"
import WebSocket from "ws"
import { Client, hub } from "./client.mjs"

export class WebSocketClient extends Client {
  constructor(protocols = [], options = {}) {
    super()
    this.socket = new WebSocket(`${hub.replace("http", "ws")}/ws`, protocols, options)
    this.socket.on("message", (data, isBinary) => this.take(isBinary ? { type: "binary" } : JSON.parse(data)))
    this.socket.on("close", code => this.ended(code))
    this.socket.on("error", error => { this.error = error; this.wake() })
    this.upgrade = once(this.socket, "upgrade").then(([response]) => response, () => null)
  }

  /** A connection that has been welcomed. */
  static async hello(user, protocols, options) {
    const client = new WebSocketClient(protocols, options)
    await once(client.socket, "open")
    client.welcome = await client.ask({ type: "hello", user: { id: user } })
    return client
  }

  say(message) {
    this.socket.send(JSON.stringify(message))
  }

  sayBinary() {
    this.socket.send(Buffer.from([1, 2, 3]))
  }

  sayMalformed() {
    this.socket.send("[")
  }

  leave() {
    this.socket.close()
  }

  /** Bytes that came over the wire so far. */
  get bytesRead() {
    return this.socket._socket.bytesRead
  }
}
