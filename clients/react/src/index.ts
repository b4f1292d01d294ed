// The public face of `@blockhub/react`: hooks over `@blockhub/client`.
//
// Promises: a component renders again only when what its hook names has changed.
// Must never: hold a copy of what the client holds.

export { useClient, useConnection } from "./client.js"
export { useProject, useSeq, useSync } from "./project.js"
export { useBlock, useBlocks, useChildren } from "./blocks.js"
export { usePresence, type Presence } from "./presence.js"
