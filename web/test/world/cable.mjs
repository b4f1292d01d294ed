// The network between one person and a hub, held in the test's hand.
//
// Promises: cut, all that goes through it breaks at once and nothing new gets through; mended, it is as before.
// Must never: change a byte.
import { once } from "node:events"
import { connect, createServer } from "node:net"

export class Cable {
  open = true
  sockets = new Set()

  /** A cable to what listens on this port of this machine. */
  static async to(port) {
    const cable = new Cable()
    cable.server = createServer(socket => cable.#plug(socket, port)).listen(0, "127.0.0.1")
    await once(cable.server, "listening")
    cable.url = `http://127.0.0.1:${cable.server.address().port}`
    return cable
  }

  #plug(near, port) {
    if (!this.open) return near.destroy()
    const far = connect(port, "127.0.0.1")
    for (const [one, other] of [[near, far], [far, near]]) {
      this.sockets.add(one)
      one.on("error", () => other.destroy()).on("close", () => this.sockets.delete(one) && other.destroy()).pipe(other)
    }
  }

  cut() {
    this.open = false
    this.sockets.forEach(socket => socket.destroy())
  }

  mend() {
    this.open = true
  }

  async close() {
    this.cut()
    this.server.close()
    await once(this.server, "close")
  }
}
