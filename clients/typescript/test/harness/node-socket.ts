// The `ws` package's socket as a client takes it, which a test can cut.

import WebSocket from "ws"
import type { ClientMessage, WebSocketClass } from "../../src/index.js"

export const NodeSocket = WebSocket as unknown as WebSocketClass

/**
 * A class of sockets that are cut all at once, as a lost network does: without a word to either side. With `cutAfter`
 * the cut comes right after the first message of that type went out, so that its answer never arrives.
 */
export function cuttable(cutAfter?: ClientMessage["type"]): { webSocket: WebSocketClass; cut: () => void } {
  const open = new Set<WebSocket>()
  class Cuttable extends WebSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols)
      open.add(this)
      this.on("close", () => open.delete(this))
      this.on("error", () => {})
    }

    override send(text: string): void {
      const isLast = (JSON.parse(text) as ClientMessage).type === cutAfter
      super.send(text, () => isLast && this.terminate())
    }
  }
  const cut = () => {
    for (const socket of open) socket.terminate()
  }
  return { webSocket: Cuttable as unknown as WebSocketClass, cut }
}
