// A client of the hub on the official `socket.io-client`.
import { once } from "node:events"
import { io } from "socket.io-client"
import { Client, hub } from "./client.mjs"

export class SocketIoClient extends Client {
  /** `options` are those of `io()`; each client has a transport of its own, and does not come back unless it is told to. */
  constructor(auth, { url = hub, ...options } = {}) {
    super()
    this.socket = io(url, { auth, forceNew: true, reconnection: false, ...options })
    this.socket.onAny((type, message) => this.take({ ...message, type }))
    this.socket.on("disconnect", reason => this.ended(reason))
    this.socket.on("connect_error", error => { if (!options.reconnection) this.ended(error.message) })
  }

  /** A connection that has been welcomed. */
  static async hello(user, options) {
    const client = new SocketIoClient({ user: { id: user } }, options)
    client.welcome = await client.expect("welcome")
    return client
  }

  /** What has an id is asked with a callback, which gets the reply. */
  say({ type, ...message }) {
    if (message.id === undefined) this.socket.emit(type, message)
    else this.socket.emit(type, message, reply => this.take(reply))
  }

  sayBinary() {
    this.socket.emit("ping", Buffer.from([1, 2, 3]))
  }

  sayMalformed() {
    this.socket.emit("ping", "no object")
  }

  leave() {
    this.socket.disconnect()
  }

  /** By what it speaks now. */
  get transport() {
    return this.socket.io.engine.transport.name
  }

  /** Waits until it speaks by a socket, if it began with polling. */
  async upgraded() {
    if (this.transport !== "websocket") await once(this.socket.io.engine, "upgrade")
  }
}
