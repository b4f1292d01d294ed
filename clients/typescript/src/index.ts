// `@blockhub/client`: everything an application may use.
//
// Must never: hand out anything that is not meant to be kept.

export type * from "./api.js"
export { connect } from "./client.js"
export { IndexedDbDrafts } from "./drafts/indexeddb.js"
export { MemoryDrafts } from "./drafts/memory.js"
export { EditRejected, HubError } from "./errors.js"
export type * from "./protocol.js"
export type { WebSocketClass, WebSocketLike } from "./socket.js"
export { difference, shift } from "./text/changes.js"
