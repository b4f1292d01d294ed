// The hub, seen by the most used WebSocket client of Node. Each test names the rule of docs/protocol.md it proves.
import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import { once } from "node:events"
import { describe, test } from "node:test"
import { Client, insert, newProject } from "./client.mjs"

const SECOND_MS = 1000

describe("the hub and ws", { concurrency: true, timeout: 120 * SECOND_MS }, () => {
  test("cn1_blockhub_v1_is_chosen_among_the_subprotocols_offered", async () => {
    const client = await Client.hello("ann", ["other", "blockhub.v1"])
    assert.equal(client.socket.protocol, "blockhub.v1")
    await client.close()
  })

  test("cn1_no_subprotocol_is_needed", async () => {
    const client = await Client.hello("ann")
    assert.equal(client.socket.protocol, "")
    await client.close()
  })

  test("cn1_other_subprotocols_alone_get_400", async () => {
    const client = new Client(["other"])
    const [, response] = await once(client.socket, "unexpected-response")
    assert.equal(response.statusCode, 400)
    client.socket.terminate()
  })

  test("cn2_compression_is_negotiated_without_context_takeover", async () => {
    const client = await Client.hello("ann")
    const extensions = (await client.upgrade).headers["sec-websocket-extensions"]
    const parameters = extensions.split(";").map(parameter => parameter.trim()).sort()
    assert.deepEqual(parameters, ["client_no_context_takeover", "permessage-deflate", "server_no_context_takeover"])
    assert.equal(client.socket.extensions, "permessage-deflate")
    await client.close()
  })

  test("cn2_large_frames_come_compressed_and_whole", async () => {
    const project = await newProject()
    const [ann, bob] = await Promise.all([Client.hello("ann"), Client.hello("bob")])
    for (const client of [ann, bob]) await client.ask({ type: "join", project })
    const text = "All work and no play. ".repeat(5000)
    const before = bob.bytesRead
    assert.equal((await ann.edit(project, [insert(text)])).type, "ack")
    const { events } = await bob.expect("events")
    assert.equal(events[0].ops[0].block.content.text, text)
    const came = bob.bytesRead - before
    assert.ok(came < text.length / 10, `${came} bytes for a text of ${text.length}`)
    await Promise.all([ann.close(), bob.close()])
  })

  test("cn2_who_does_not_offer_compression_gets_none", async () => {
    const client = await Client.hello("ann", [], { perMessageDeflate: false })
    assert.equal((await client.upgrade).headers["sec-websocket-extensions"], undefined)
    const project = await newProject()
    await client.ask({ type: "join", project })
    const text = "x".repeat(50_000)
    const before = client.bytesRead
    await client.edit(project, [insert(text)])
    await client.reach(project, 1)
    assert.ok(client.bytesRead - before > text.length)
    await client.close()
  })

  test("cn4_anything_before_hello_is_unauthenticated_and_closes_4401", async () => {
    const client = new Client()
    await once(client.socket, "open")
    client.send({ type: "ping", id: "1" })
    assert.equal((await client.expect("error")).code, "unauthenticated")
    assert.equal(await client.closed(), 4401)
  })

  test("cn4_who_does_not_say_hello_is_closed_with_4408", async () => {
    assert.equal(await new Client().closed(), 4408)
  })

  test("cn8_the_hub_pings_and_a_client_that_answers_stays", async () => {
    const client = await Client.hello("ann")
    await once(client.socket, "ping", { signal: AbortSignal.timeout(2 * client.welcome.limits.pingIntervalMs) })
    assert.equal((await client.ask({ type: "ping" })).type, "pong")
    await client.close()
  })

  test("ms1_replies_echo_the_id_and_carry_a_request_id", async () => {
    const client = await Client.hello("ann")
    client.send({ type: "ping", id: "mine" })
    const pong = await client.expect("pong")
    assert.equal(pong.id, "mine")
    assert.match(pong.requestId, /^[0-9a-f-]{36}$/)
    await client.close()
  })

  test("ms2_bad_messages_get_errors_and_the_connection_goes_on", async () => {
    const client = await Client.hello("ann")
    client.socket.send("{ not json")
    assert.equal((await client.expect("error")).code, "malformed")
    client.send({ type: "dance" })
    assert.equal((await client.expect("error")).code, "unknown_type")
    client.socket.send(Buffer.from([1, 2, 3]))
    assert.equal((await client.expect("error")).code, "unsupported")
    assert.equal((await client.ask({ type: "ping" })).type, "pong")
    await client.close()
  })

  test("ms2_a_message_that_is_too_big_closes_1009", async () => {
    const client = await Client.hello("ann")
    client.socket.send(JSON.stringify({ type: "ping", filler: "x".repeat(client.welcome.limits.maxMessageBytes) }))
    assert.equal(await client.closed(), 1009)
  })

  test("ms2_twenty_malformed_messages_close_4400", async () => {
    const client = await Client.hello("ann")
    for (let count = 0; count < 20; count++) client.socket.send("[")
    assert.equal(await client.closed(), 4400)
  })

  test("ed1_ed5_an_edit_is_acked_seen_by_others_merged_and_in_conflict", async () => {
    const project = await newProject()
    const [ann, bob] = await Promise.all([Client.hello("ann"), Client.hello("bob")])
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
    const client = await Client.hello("ann")
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
    const [ann, bob] = await Promise.all([Client.hello("ann"), Client.hello("bob")])
    await ann.ask({ type: "join", project })
    const { epoch } = await bob.ask({ type: "join", project })
    await ann.edit(project, [insert("one")])
    await bob.reach(project, 1)
    await bob.close()
    await ann.edit(project, [insert("two")])
    const again = await Client.hello("bob")
    const joined = await again.ask({ type: "join", project, since: { epoch, seq: 1 } })
    assert.equal(joined.recovered, true)
    assert.deepEqual(joined.events.map(event => event.seq), [2])
    await Promise.all([ann.close(), again.close()])
  })

  test("jn5_twenty_writers_at_once_all_see_every_event_once_and_in_order", async () => {
    const project = await newProject()
    const clients = await Promise.all(Array.from({ length: 20 }, (_, n) => Client.hello(`user-${n}`)))
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
    const [ann, bob] = await Promise.all([Client.hello("ann"), Client.hello("bob")])
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
