// Collaborative editing as it is usually built on ShareDB: each block a json0 document, stored by `sharedb-postgres`,
// reached over `ws`.
//
// Promises: an op is acked after it and the document's snapshot are durable; the document's subscribers get it with
// its version. One process needs no Redis: ShareDB's own memory carries ops to the subscribers.
// Must never: do less than a careful user of ShareDB would, nor more.
//
// Environment: PORT, DATABASE_URL.

import { readFile } from "node:fs/promises"
import { createServer } from "node:http"
import { createRequire } from "node:module"
import WebSocketJSONStream from "@teamwork/websocket-json-stream"
import pg from "pg"
import ShareDB from "sharedb"
import PostgresDB from "sharedb-postgres"
import { WebSocketServer } from "ws"

const POOL_MAX = 20

// The adapter brings its tables' definition as a file.
async function createTables(connectionString) {
  const file = createRequire(import.meta.url).resolve("sharedb-postgres/structure.sql")
  const client = new pg.Client({ connectionString })
  await client.connect()
  await client.query(await readFile(file, "utf8"))
  await client.end()
}

const connectionString = process.env.DATABASE_URL
await createTables(connectionString)
const backend = new ShareDB({ db: new PostgresDB({ connectionString, max: POOL_MAX }) })

const http = createServer()
const sockets = new WebSocketServer({ server: http })
sockets.on("connection", socket => backend.listen(new WebSocketJSONStream(socket)))
http.listen(Number(process.env.PORT ?? 0), "127.0.0.1", 4096, () => {
  console.log(`listening on http://127.0.0.1:${http.address().port}`)
})

process.once("SIGTERM", () => {
  for (const socket of sockets.clients) socket.terminate()
  http.close(() => backend.close())
})
