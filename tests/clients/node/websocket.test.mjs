// What only a WebSocket has: subprotocols, compression, close codes, pings. Each test names the rule of docs/protocol.md.
import assert from "node:assert/strict"
import { once } from "node:events"
import { describe, test } from "node:test"
import { insert, newProject } from "./client.mjs"
import { WebSocketClient as Client } from "./websocket.mjs"

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
})
