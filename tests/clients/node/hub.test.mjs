// The hub, seen by the clients most used from Node: `ws`, and `socket.io-client` in each of its ways. Each test names the
// rule of docs/protocol.md it proves, and is run for every one of them.
import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import { describe, test } from "node:test"
import { insert, newProject } from "./client.mjs"
import { SocketIoClient } from "./socketio.mjs"
import { WebSocketClient } from "./websocket.mjs"

const SECOND_MS = 1000

const overSocketIo = transports => ({
  hello: user => SocketIoClient.hello(user, { transports }),
  violated: /^io server disconnect$/,
  tooBig: /^transport (close|error)$/,
})

const WAYS = {
  "ws": { hello: user => WebSocketClient.hello(user), violated: /^4400$/, tooBig: /^1009$/ },
  "socket.io-client by a socket": overSocketIo(["websocket"]),
  "socket.io-client by polling": overSocketIo(["polling"]),
  "socket.io-client by polling, then by a socket": overSocketIo(["polling", "websocket"]),
}

for (const [name, { hello, violated, tooBig }] of Object.entries(WAYS)) {
  describe(`the hub and ${name}`, { concurrency: true, timeout: 120 * SECOND_MS }, () => {
    test("ms1_replies_echo_the_id_and_carry_a_request_id", async () => {
      const client = await hello("ann")
      client.send({ type: "ping", id: "mine" })
      const pong = await client.expect("pong")
      assert.equal(pong.id, "mine")
      assert.match(pong.requestId, /^[0-9a-f-]{36}$/)
      await client.close()
    })

    test("ms2_bad_messages_get_errors_and_the_connection_goes_on", async () => {
      const client = await hello("ann")
      client.sayMalformed()
      assert.equal((await client.expect("error")).code, "malformed")
      client.send({ type: "dance" })
      assert.equal((await client.expect("error")).code, "unknown_type")
      client.sayBinary()
      assert.equal((await client.expect("error")).code, "unsupported")
      assert.equal((await client.ask({ type: "ping" })).type, "pong")
      await client.close()
    })

    test("ms2_a_message_that_is_too_big_ends_the_connection", async () => {
      const client = await hello("ann")
      client.say({ type: "ping", filler: "x".repeat(client.welcome.limits.maxMessageBytes) })
      assert.match(`${await client.closed()}`, tooBig)
    })

    test("ms2_twenty_malformed_messages_end_the_connection", async () => {
      const client = await hello("ann")
      for (let count = 0; count < 20; count++) client.sayMalformed()
      assert.match(`${await client.closed()}`, violated)
    })

    test("ed1_ed5_an_edit_is_acked_seen_by_others_merged_and_in_conflict", async () => {
      const project = await newProject()
      const [ann, bob] = await Promise.all([hello("ann"), hello("bob")])
      for (const client of [ann, bob]) await client.ask({ type: "join", project })
      const block = randomUUID()
      const ack = await ann.edit(project, [insert("Hello", block)])
      assert.deepEqual([ack.type, ack.seq, ack.versions[block]], ["ack", 1, 1])
      assert.equal((await bob.expect("events")).events[0].editId, ack.editId)

      const update = patch => [{ op: "update", block, baseVersion: 1, patch }]
      assert.equal((await bob.edit(project, update({ size: 3 }))).merged, false)
      assert.equal((await ann.edit(project, update({ color: "red" }))).merged, true)
      const conflict = await bob.edit(project, update({ color: "blue" }))
      assert.equal(conflict.type, "conflict")
      const [{ paths, current, base, changedBy }] = conflict.conflicts
      assert.deepEqual(paths, ["/color"])
      assert.deepEqual(current.content, { text: "Hello", color: "red", size: 3 })
      assert.deepEqual(base, { text: "Hello" })
      assert.equal(changedBy.id, "ann")
      assert.equal((await ann.expect("conflicted")).actor.id, "bob")
      await Promise.all([ann.close(), bob.close()])
    })

    test("ed2_the_same_edit_id_applies_once", async () => {
      const project = await newProject()
      const client = await hello("ann")
      await client.ask({ type: "join", project })
      const editId = randomUUID()
      const ops = [insert("once")]
      const first = await client.edit(project, ops, { editId })
      const second = await client.edit(project, ops, { editId })
      assert.deepEqual([first.duplicate, second.duplicate, second.seq], [false, true, first.seq])
      await client.close()
    })

    test("jn2_who_comes_back_gets_just_what_was_missed", async () => {
      const project = await newProject()
      const [ann, bob] = await Promise.all([hello("ann"), hello("bob")])
      await ann.ask({ type: "join", project })
      const { epoch } = await bob.ask({ type: "join", project })
      await ann.edit(project, [insert("one")])
      await bob.reach(project, 1)
      await bob.close()
      await ann.edit(project, [insert("two")])
      const again = await hello("bob")
      const joined = await again.ask({ type: "join", project, since: { epoch, seq: 1 } })
      assert.equal(joined.recovered, true)
      assert.deepEqual(joined.events.map(event => event.seq), [2])
      await Promise.all([ann.close(), again.close()])
    })

    test("jn5_twenty_writers_at_once_all_see_every_event_once_and_in_order", async () => {
      const project = await newProject()
      const clients = await Promise.all(Array.from({ length: 20 }, (_, n) => hello(`user-${n}`)))
      for (const client of clients) await client.ask({ type: "join", project })
      const edits = clients.flatMap(client => Array.from({ length: 10 }, (_, n) => client.edit(project, [insert(`${n}`)])))
      const acks = await Promise.all(edits)
      assert.ok(acks.every(ack => ack.type === "ack"))
      const all = Array.from({ length: 200 }, (_, n) => n + 1)
      assert.deepEqual(acks.map(ack => ack.seq).sort((a, b) => a - b), all)
      for (const client of clients) assert.deepEqual(await client.reach(project, 200), all)
      await Promise.all(clients.map(client => client.close()))
    })

    test("pr1_presence_and_pr3_signals_reach_the_others", async () => {
      const project = await newProject()
      const [ann, bob] = await Promise.all([hello("ann"), hello("bob")])
      await ann.ask({ type: "join", project })
      await bob.ask({ type: "join", project })
      const seen = async (client, fits) => {
        for (;;) {
          const update = (await client.expect("presence")).updates.find(fits)
          if (update) return update
        }
      }
      bob.send({ type: "presence", project, state: { cursor: 4 } })
      const here = await seen(ann, update => update.state?.cursor === 4)
      assert.equal(here.user.id, "bob")
      bob.send({ type: "signal", project, event: "wave", data: { hand: "left" } })
      const signal = await ann.expect("signal")
      assert.deepEqual([signal.event, signal.data.hand, signal.from.connection], ["wave", "left", here.connection])
      await bob.close()
      await seen(ann, update => update.left && update.connection === here.connection)
      await ann.close()
    })
  })
}
