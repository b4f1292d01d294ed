// Collaborative editing as it is usually built on Hocuspocus: each project a Yjs document, stored whole by its database
// extension, in Postgres, when nobody has changed it for two seconds, ten at most.
//
// Promises: nothing durable: an update is acked and delivered from memory, as Hocuspocus does with its defaults; what
// was not stored yet is lost with the process.
// Must never: do less than a careful user of Hocuspocus would, nor more.
//
// Environment: PORT, DATABASE_URL.

import { Database } from "@hocuspocus/extension-database"
import { Server } from "@hocuspocus/server"
import pg from "pg"

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL })
await pool.query("CREATE TABLE documents (name text PRIMARY KEY, state bytea NOT NULL)")

const SELECT = "SELECT state FROM documents WHERE name = $1"
const UPSERT = `INSERT INTO documents (name, state) VALUES ($1, $2)
  ON CONFLICT (name) DO UPDATE SET state = excluded.state`

const database = new Database({
  fetch: async ({ documentName }) => (await pool.query(SELECT, [documentName])).rows[0]?.state ?? null,
  store: async ({ documentName, state }) => { await pool.query(UPSERT, [documentName, state]) },
})

const server = new Server({
  address: "127.0.0.1",
  port: Number(process.env.PORT ?? 0),
  quiet: true,
  extensions: [database],
  onListen: async ({ port }) => console.log(`listening on http://127.0.0.1:${port}`),
  onDestroy: () => pool.end(),
})
// It ends on SIGTERM by itself, after what waits has been stored.
await server.listen()
