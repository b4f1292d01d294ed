// Collaborative editing as it is usually built on Socket.IO: rooms through its Redis adapter, and one Postgres
// transaction per edit: the block if its version is still the one the author saw, the project's number, the log.
//
// Promises: an edit is acked after its transaction is durable; the others of the room get it with its number.
// Must never: do less than a careful user of Socket.IO would, nor more.
//
// Environment: PORT, DATABASE_URL, REDIS_URL; COMPRESS=1 turns permessage-deflate on, which Socket.IO leaves off.

import { createServer } from "node:http"
import { createAdapter } from "@socket.io/redis-adapter"
import pg from "pg"
import { createClient } from "redis"
import { Server } from "socket.io"

const POOL_MAX = 20

const SCHEMA = `
  CREATE TABLE projects (id uuid PRIMARY KEY, seq bigint NOT NULL DEFAULT 0);
  CREATE TABLE blocks (id uuid PRIMARY KEY, project uuid NOT NULL, version bigint NOT NULL, content jsonb NOT NULL);
  CREATE INDEX blocks_project ON blocks (project);
  CREATE TABLE events (project uuid, seq bigint, edit uuid NOT NULL, actor text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(), body jsonb NOT NULL, PRIMARY KEY (project, seq))`

// Named, so that Postgres plans each once per connection.
const statement = (name, text) => values => ({ name, text, values })
const insertBlock = statement("insert-block", "INSERT INTO blocks VALUES ($1, $2, 1, $3)")
const updateBlock = statement("update-block",
  "UPDATE blocks SET version = version + 1, content = content || $3 WHERE id = $1 AND version = $2")
const nextSeq = statement("next-seq", "UPDATE projects SET seq = seq + 1 WHERE id = $1 RETURNING seq")
const insertEvent = statement("insert-event",
  "INSERT INTO events (project, seq, edit, actor, body) VALUES ($1, $2, $3, $4, $5)")

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: POOL_MAX })

async function transaction(work) {
  const client = await pool.connect()
  try {
    await client.query("BEGIN")
    const result = await work(client)
    await client.query("COMMIT")
    return result
  } catch (error) {
    await client.query("ROLLBACK")
    throw error
  } finally {
    client.release()
  }
}

class Conflict extends Error {}

// The block first, the project last: its row is what edits of a project wait for.
function commit(actor, { project, edit, ops }) {
  return transaction(async client => {
    for (const { op, block, version, patch } of ops) {
      const query = op === "insert" ? insertBlock([block, project, patch]) : updateBlock([block, version, patch])
      if ((await client.query(query)).rowCount === 0) throw new Conflict(block)
    }
    const { rows } = await client.query(nextSeq([project]))
    await client.query(insertEvent([project, rows[0].seq, edit, actor, JSON.stringify(ops)]))
    return Number(rows[0].seq)
  })
}

async function join(project) {
  await pool.query("INSERT INTO projects (id) VALUES ($1) ON CONFLICT DO NOTHING", [project])
  const { rows: [{ seq }] } = await pool.query("SELECT seq FROM projects WHERE id = $1", [project])
  const { rows: blocks } = await pool.query("SELECT id, version, content FROM blocks WHERE project = $1", [project])
  return { seq: Number(seq), blocks }
}

function serve(socket) {
  const actor = socket.handshake.auth.user ?? "guest"
  // A handler that fails answers its own event; the others go on.
  const answering = work => async (message, ack) => {
    try {
      ack(await work(message))
    } catch (error) {
      ack({ error: error instanceof Conflict ? "conflict" : "internal" })
    }
  }
  socket.on("join", answering(async ({ project }) => {
    await socket.join(project)
    return join(project)
  }))
  socket.on("edit", answering(async message => {
    const seq = await commit(actor, message)
    const { project, edit, ops } = message
    socket.to(project).emit("edited", { project, seq, edit, actor, ops })
    return { seq }
  }))
}

await pool.query(SCHEMA)
const publisher = createClient({ url: process.env.REDIS_URL })
const subscriber = publisher.duplicate()
await Promise.all([publisher.connect(), subscriber.connect()])

const http = createServer()
const io = new Server(http, {
  adapter: createAdapter(publisher, subscriber),
  perMessageDeflate: process.env.COMPRESS === "1",
})
io.on("connection", serve)
http.listen(Number(process.env.PORT ?? 0), "127.0.0.1", 4096, () => {
  console.log(`listening on http://127.0.0.1:${http.address().port}`)
})

process.once("SIGTERM", async () => {
  await io.close()
  await Promise.all([pool.end(), publisher.close(), subscriber.close()])
})
