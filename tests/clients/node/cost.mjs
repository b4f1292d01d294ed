// What a connection and a delivery cost the hub, over WebSocket and over Socket.IO by a socket, side by side.
//
//   cargo build --release && BLOCKHUB_TEST_PROGRAM=target/release/blockhub node tests/clients/node/cost.mjs
//
// Each way gets a hub of its own. Clients are bare `ws` sockets that say what the official clients would.
import { randomUUID } from "node:crypto"
import { once } from "node:events"
import { readFile } from "node:fs/promises"
import WebSocket from "ws"
import { insert, newProject } from "./client.mjs"
import { OwnHub } from "./ownhub.mjs"

const [IDLE_FROM, IDLE_TO] = [1000, 3000]
const MEMBERS = 500
const EDITS = 300
const TICKS_PER_SECOND = 100

const hello = { user: { id: "ann" } }

const WAYS = {
  "WebSocket": { path: "/ws", open: { type: "hello", ...hello }, encode: JSON.stringify },
  "Socket.IO": {
    path: "/socket.io/?EIO=4&transport=websocket", open: hello,
    encode: ({ type, ...message }) => type ? `42${JSON.stringify([type, message])}` : `40${JSON.stringify(message)}`,
  },
}

/** One connection that has been welcomed, and goes on answering pings. */
async function connect(own, way) {
  const socket = new WebSocket(own.url.replace("http", "ws") + way.path, { perMessageDeflate: false })
  socket.deliveries = 0
  let welcomed
  const welcome = new Promise(resolve => { welcomed = resolve })
  socket.on("message", data => {
    if (data.length === 1 && data[0] === 0x32) return socket.send("3")
    const head = data.toString("latin1", 0, 24)
    if (head.includes("events")) socket.deliveries += 1
    if (head.includes("welcome")) welcomed()
    if (head.includes("joined") || head.includes("ack")) socket.emit("reply")
  })
  await once(socket, "open")
  socket.say = message => socket.send(way.encode(message))
  socket.say(way.open)
  await welcome
  return socket
}

async function connectMany(own, way, count) {
  const sockets = []
  while (sockets.length < count) {
    sockets.push(...await Promise.all(Array.from({ length: Math.min(50, count - sockets.length) }, () => connect(own, way))))
  }
  return sockets
}

const residentKiB = async own => Number((await readFile(`/proc/${own.process.pid}/status`, "utf8")).match(/VmRSS:\s+(\d+)/)[1])

async function processorSeconds(own) {
  const fields = (await readFile(`/proc/${own.process.pid}/stat`, "utf8")).split(") ")[1].split(" ")
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

async function idle(way) {
  const own = await OwnHub.start()
  const sockets = await connectMany(own, way, IDLE_FROM)
  const before = await residentKiB(own)
  sockets.push(...await connectMany(own, way, IDLE_TO - IDLE_FROM))
  const each = (await residentKiB(own) - before) / (IDLE_TO - IDLE_FROM)
  sockets.forEach(socket => socket.terminate())
  await own.remove()
  return each
}

async function room(way, members) {
  const own = await OwnHub.start()
  const project = await newProject({}, own)
  const author = await connect(own, WAYS.WebSocket)
  const sockets = await connectMany(own, way, members)
  for (const socket of [author, ...sockets]) {
    socket.say({ type: "join", project })
    await once(socket, "reply")
  }
  const before = await processorSeconds(own)
  for (let n = 0; n < EDITS; n++) {
    author.say({ type: "edit", project, editId: randomUUID(), ops: [insert("All work and no play.")] })
    await once(author, "reply")
  }
  while (sockets.some(socket => socket.deliveries < EDITS)) await once(sockets.find(socket => socket.deliveries < EDITS), "message")
  const spent = await processorSeconds(own) - before
  for (const socket of [author, ...sockets]) socket.terminate()
  await own.remove()
  return spent
}

for (const [name, way] of Object.entries(WAYS)) {
  console.log(`${name}: ${(await idle(way)).toFixed(1)} KiB a connection, from ${IDLE_FROM} to ${IDLE_TO}`)
  const [few, many] = [await room(way, 1), await room(way, MEMBERS)]
  const each = (many - few) / (EDITS * (MEMBERS - 1)) * 1e6
  console.log(`${name}: ${each.toFixed(1)} µs of the hub's processor time a delivery, to ${MEMBERS} members`)
}
