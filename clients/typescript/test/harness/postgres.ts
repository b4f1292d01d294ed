// A fresh database for one test file, on the Postgres that `BLOCKHUB_TEST_POSTGRES` names.

import { randomUUID } from "node:crypto"
import pg from "pg"

/** Makes it, and answers its URL and what drops it. */
export async function freshDatabase(): Promise<{ url: string; drop: () => Promise<void> }> {
  const server = process.env.BLOCKHUB_TEST_POSTGRES
  if (server === undefined) throw new Error("BLOCKHUB_TEST_POSTGRES names no Postgres: `./test with` starts one")
  const name = `client_${randomUUID().replaceAll("-", "")}`
  await ask(server, `CREATE DATABASE ${name}`)
  const url = new URL(server)
  url.pathname = `/${name}`
  return { url: url.href, drop: () => ask(server, `DROP DATABASE ${name} WITH (FORCE)`) }
}

async function ask(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
