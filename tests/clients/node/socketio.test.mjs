// What only Socket.IO has: transports that change, callbacks, `auth`, ends without close codes. Driven by the official
// client; each test names the rule of docs/protocol.md.
import assert from "node:assert/strict"
import { createHmac, randomUUID } from "node:crypto"
import { once } from "node:events"
import { readFile } from "node:fs/promises"
import { request } from "node:http"
import { describe, test } from "node:test"
import { io } from "socket.io-client"
import WebSocket from "ws"
import { hub, insert, newProject } from "./client.mjs"
import { withHub, OwnHub } from "./ownhub.mjs"
import { SocketIoClient as Client } from "./socketio.mjs"
import { WebSocketClient } from "./websocket.mjs"

const SECOND_MS = 1000
const SECRET = "only the tests know this secret, and whoever reads them"

/** A token for this user that ends in so many seconds. */
function token(sub, seconds = 600) {
  const encode = value => Buffer.from(JSON.stringify(value)).toString("base64url")
  const body = `${encode({ alg: "HS256", typ: "JWT" })}.${encode({ sub, exp: Math.floor(Date.now() / SECOND_MS) + seconds })}`
  return `${body}.${createHmac("sha256", SECRET).update(body).digest("base64url")}`
}

/** The status of a handshake that a page of this origin, or one that calls the hub by this name, begins. */
function handshake(url, headers) {
  return new Promise((resolve, reject) => {
    const call = request(`${url}/socket.io/?EIO=4&transport=polling`, { headers }, answer => {
      answer.resume()
      resolve({ status: answer.statusCode, headers: answer.headers })
    })
    call.on("error", reject)
    call.end()
  })
}

/** A client that joins, and where a state that follows what it is sent stands. */
class Follower {
  constructor(client, joined) {
    this.client = client
    this.at = joined.seq
    this.taken = 0
    this.resets = 0
  }

  /** Takes in all that came; every event must be the next one. */
  follow() {
    const { received } = this.client
    for (; this.taken < received.length; this.taken++) {
      const message = received[this.taken]
      if (message.type === "reset") { this.at = message.seq; this.resets++ }
      for (const { seq } of message.type === "events" ? message.events : []) {
        assert.equal(seq, this.at + 1, "a hole, or something twice")
        this.at = seq
      }
    }
    return this.at
  }
}

const joined = async (client, project) => {
  const answer = await client.ask({ type: "join", project })
  return new Follower(client, { seq: answer.seq })
}

describe("the hub and socket.io-client alone", { concurrency: true, timeout: 120 * SECOND_MS }, () => {
  test("a_client_that_begins_with_polling_goes_on_by_a_socket_and_misses_nothing", async () => {
    const project = await newProject()
    const [ann, bob] = await Promise.all([WebSocketClient.hello("ann"), Client.hello("bob")])
    await ann.ask({ type: "join", project })
    const follower = await joined(bob, project)
    const edits = (async () => { for (let n = 0; n < 100; n++) await ann.edit(project, [insert(`${n}`)]) })()
    await bob.upgraded()
    assert.equal(bob.transport, "websocket")
    await edits
    await bob.until("all of them", () => follower.follow() === 100)
    await Promise.all([ann.close(), bob.close()])
  })

  test("a_reply_goes_to_the_callback_and_without_one_comes_as_an_event_of_its_type", async () => {
    const client = await Client.hello("ann")
    const reply = await client.socket.timeout(10 * SECOND_MS).emitWithAck("ping", {})
    assert.deepEqual([reply.type, reply.id], ["pong", undefined])
    assert.ok(!client.received.some(message => message.type === "pong"), "it came twice")
    client.socket.emit("ping")
    assert.match((await client.expect("pong")).requestId, /^[0-9a-f-]{36}$/)
    const refused = await client.socket.timeout(10 * SECOND_MS).emitWithAck("join", { project: randomUUID() })
    assert.deepEqual([refused.type, refused.code], ["error", "not_found"])
    await client.close()
  })

  test("a_message_that_names_its_type_once_more_is_understood", async () => {
    const client = await Client.hello("ann")
    assert.equal((await client.socket.emitWithAck("ping", { type: "ping", id: "7" })).id, "7")
    await client.close()
  })

  test("ms2_what_is_no_message_is_an_error_also_to_a_callback", async () => {
    const client = await Client.hello("ann")
    const answers = {
      unsupported: ["ping", Buffer.from([1])],
      unknown_type: ["dance", {}],
      malformed: ["join", {}, "and more"],
    }
    for (const [code, event] of Object.entries(answers)) {
      assert.equal((await client.socket.timeout(10 * SECOND_MS).emitWithAck(...event)).code, code)
    }
    assert.equal((await client.ask({ type: "hello", user: { id: "bob" } })).code, "malformed")
    assert.equal((await client.ask({ type: "ping" })).type, "pong")
    await client.close()
  })

  test("ms2_before_it_ends_a_connection_the_hub_says_why", async () => {
    for (const transports of [["websocket"], ["polling"]]) {
      const flooding = await Client.hello("ann", { transports })
      for (let count = 0; count < 20; count++) flooding.sayMalformed()
      assert.equal((await flooding.expect("error", error => error.closeCode)).closeCode, 4400)
      await flooding.closed()
      const shouting = await Client.hello("bob", { transports })
      shouting.say({ type: "ping", filler: "x".repeat(shouting.welcome.limits.maxMessageBytes) })
      const { code, closeCode } = await shouting.expect("error")
      assert.deepEqual([code, closeCode], ["too_large", 1009])
      await shouting.closed()
    }
  })

  test("who_may_come_back_comes_back_by_itself_after_a_message_that_was_too_big", async () => {
    for (const transports of [["websocket"], ["polling"]]) {
      const client = await Client.hello("ann", { transports, reconnection: true, reconnectionDelay: 10 })
      client.socket.off("disconnect")
      client.say({ type: "ping", filler: "x".repeat(client.welcome.limits.maxMessageBytes) })
      await client.expect("welcome")
      client.leave()
    }
  })

  test("ms3_ms5_edits_of_a_connection_are_answered_in_order_each_before_its_event", async () => {
    const project = await newProject()
    const client = await Client.hello("ann")
    await client.ask({ type: "join", project })
    await Promise.all(Array.from({ length: 50 }, (_, n) => client.edit(project, [insert(`${n}`)])))
    await client.reach(project, 50)
    const seqs = client.received.filter(message => message.type === "ack").map(ack => ack.seq)
    assert.deepEqual(seqs, Array.from({ length: 50 }, (_, n) => n + 1))
    for (const [at, message] of client.received.entries()) {
      for (const event of message.type === "events" ? message.events : []) {
        const acked = client.received.findIndex(other => other.type === "ack" && other.seq === event.seq)
        assert.ok(acked < at, `event ${event.seq} came before its ack`)
      }
    }
    await client.close()
  })

  test("ed1_an_edit_whose_author_leaves_at_once_is_applied_once", async () => {
    const project = await newProject()
    const bob = await WebSocketClient.hello("bob")
    const follower = await joined(bob, project)
    const editIds = Array.from({ length: 10 }, () => randomUUID())
    await Promise.all(editIds.map(async editId => {
      const ann = await Client.hello("ann", { transports: ["websocket"] })
      await ann.ask({ type: "join", project })
      ann.say({ type: "edit", project, editId, ops: [insert("gone")] })
      ann.leave()
    }))
    await bob.until("all edits", () => follower.follow() === editIds.length)
    const seen = bob.received.flatMap(message => message.type === "events" ? message.events : []).map(event => event.editId)
    assert.deepEqual(seen.sort(), editIds.sort())
    await bob.close()
  })

  test("jn6_who_reads_too_slowly_misses_nothing_in_the_end", async () => {
    const project = await newProject()
    const [ann, bob] = await Promise.all([WebSocketClient.hello("ann"), Client.hello("bob", { transports: ["websocket"] })])
    await ann.ask({ type: "join", project })
    const follower = await joined(bob, project)
    const { _socket: socket } = bob.socket.io.engine.transport.ws
    socket.pause()
    const COUNT = 100
    const text = "All work and no play makes Jack a dull boy. ".repeat(4000)
    for (let n = 0; n < COUNT; n++) assert.equal((await ann.edit(project, [insert(text)])).type, "ack")
    socket.resume()
    await bob.until("the head", () => follower.follow() === COUNT)
    assert.equal((await bob.ask({ type: "ping" })).type, "pong")
    await Promise.all([ann.close(), bob.close()])
  })

  test("jn6_replies_to_who_does_not_read_are_all_kept_and_it_is_not_read_meanwhile", async () => {
    const project = await newProject()
    const [ann, bob] = await Promise.all([WebSocketClient.hello("ann"), Client.hello("bob", { transports: ["websocket"] })])
    await ann.ask({ type: "join", project })
    for (let n = 0; n < 5; n++) await ann.edit(project, [insert("x".repeat(200_000))])
    const { _socket: socket } = bob.socket.io.engine.transport.ws
    socket.pause()
    const COUNT = 40
    const answers = Array.from({ length: COUNT }, () => bob.ask({ type: "join", project }))
    assert.equal((await ann.edit(project, [insert("meanwhile")])).type, "ack")
    socket.resume()
    for (const { type, seq } of await Promise.all(answers)) assert.ok(type === "joined" && seq >= 5)
    assert.equal((await bob.ask({ type: "ping" })).type, "pong")
    await Promise.all([ann.close(), bob.close()])
  })

  test("cn8_who_shows_no_sign_of_life_is_gone_for_the_others", async () => {
    const project = await newProject()
    const [ann, bob] = await Promise.all([WebSocketClient.hello("ann"), Client.hello("bob", { transports: ["websocket"] })])
    await ann.ask({ type: "join", project })
    await bob.ask({ type: "join", project })
    const { connection, limits } = bob.welcome
    const began = Date.now()
    bob.socket.io.engine.transport.ws._socket.pause()
    await ann.expect("presence", ({ updates }) => updates.some(update => update.left && update.connection === connection))
    const [waited, allowed] = [Date.now() - began, limits.pingIntervalMs + limits.pongTimeoutMs]
    assert.ok(waited < allowed + 5 * SECOND_MS, `after ${waited} ms`)
    bob.socket.io.engine.transport.ws.terminate()
    await ann.close()
  })

  test("cn3_pages_of_other_origins_get_403", async () => {
    const origin = { Origin: "http://elsewhere.example" }
    assert.equal((await handshake(hub, origin)).status, 403)
    assert.equal((await handshake(hub, { Origin: hub })).status, 200)
    for (const transports of [["websocket"], ["polling"]]) {
      const client = new Client({ user: { id: "ann" } }, { transports, extraHeaders: origin })
      assert.match(await client.closed(), /error/)
    }
  })

  test("cn6_an_open_hub_answers_to_the_loopbacks_names_only", async () => {
    assert.equal((await handshake(hub, { Host: "hub.example" })).status, 403)
  })

  test("calls_that_engine_io_does_not_know_get_400", async () => {
    const status = async (query, options) => (await fetch(`${hub}/socket.io/?${query}`, options)).status
    assert.equal(await status("EIO=3&transport=polling"), 400)
    for (const query of ["EIO=4&transport=pigeon", "EIO=4=&transport=polling", "EIO=4&transport=polling=", "EIO=4&transport=polling=x"]) {
      assert.equal(await status(query), 400, query)
    }
    assert.equal(await status("EIO=4&transport=polling&sid=nobody"), 400)
    assert.equal(await status("EIO=4&transport=polling", { method: "POST", body: "40" }), 400)
  })

  test("one_session_of_engine_io_serves_one_connection", async () => {
    const at = `${hub}/socket.io/?EIO=4&transport=polling`
    const { sid } = JSON.parse((await (await fetch(at)).text()).slice(1))
    const post = body => fetch(`${at}&sid=${sid}`, { method: "POST", body })
    const poll = async () => (await fetch(`${at}&sid=${sid}`)).text()
    let heard = ""
    const hear = async what => { while (!what.test(heard)) heard += await poll() }
    await post('40{"user":{"id":"ann"}}')
    await hear(/"welcome"/)
    await post("41")
    await post('40{"user":{"id":"bob"}}')
    assert.ok(!/"id":"bob"/.test(heard))
    assert.equal((await fetch(`${at}&sid=${sid}`)).status, 400)
  })
})

describe("engine.io by hand", { concurrency: true, timeout: 60 * SECOND_MS }, () => {
  test("a_post_of_too_many_messages_ends_the_connection", async () => {
    const at = `${hub}/socket.io/?EIO=4&transport=polling`
    const { sid } = JSON.parse((await (await fetch(at)).text()).slice(1))
    const post = body => fetch(`${at}&sid=${sid}`, { method: "POST", body })
    await post('40{"user":{"id":"ann"}}')
    await post(Array.from({ length: 20_000 }, () => '42["ping",{}]').join("\x1e"))
    let status
    do ({ status } = await fetch(`${at}&sid=${sid}`)); while (status === 200)
    assert.equal(status, 400)
  })
})

/** What a client may say on its new socket before it is gone. */
const CUT_SHORT = { nothing: [], "the probe": ["2probe"], garbage: ["hello"], "an upgrade without a probe": ["5"] }

describe("an upgrade that breaks off", { timeout: 120 * SECOND_MS }, () => {
  for (const [what, said] of Object.entries(CUT_SHORT)) {
    test(`after_${what.replaceAll(" ", "_")}_ends_the_session_and_gives_its_place_back`, withHub({ BLOCKHUB_MAX_CONNECTIONS: "1" }, async own => {
      const at = `${own.url}/socket.io/?EIO=4&transport=polling`
      const { sid } = JSON.parse((await (await fetch(at)).text()).slice(1))
      const post = body => fetch(`${at}&sid=${sid}`, { method: "POST", body })
      await post('40{"user":{"id":"ann"}}')
      for (let heard = ""; !/"welcome"/.test(heard);) heard += await (await fetch(`${at}&sid=${sid}`)).text()
      const socket = new WebSocket(`${at.replace("http", "ws").replace("polling", "websocket")}&sid=${sid}`)
      await once(socket, "open")
      for (const packet of said) socket.send(packet)
      socket.terminate()
      let status
      do ({ status } = await fetch(`${at}&sid=${sid}`)); while (status === 200)
      assert.equal(status, 400)
      let next
      do next = await fetch(at); while (next.status === 503)
      assert.equal(next.status, 200)
    }))
  }
})

describe("what the documentation says of Socket.IO", () => {
  test("its_example_runs", async () => {
    const contract = await readFile(new URL("../../../docs/protocol.md", import.meta.url), "utf8")
    const [, example] = contract.split("## Socket.IO\n")[1].match(/```js\nimport .*\n([^]*?)```/)
    const AsyncFunction = (async () => {}).constructor
    const run = new AsyncFunction("io", "project", `${example.replace("http://127.0.0.1:8080", hub)}\nreturn { socket, ack, took }`)
    const { socket, ack, took } = await run(io, await newProject())
    assert.deepEqual([ack.type, ack.seq], ["ack", 1])
    if (took.length === 0) await once(socket, "events")
    assert.equal(took[0].editId, ack.editId)
    assert.match(socket.auth.session, /^[0-9a-f-]{36}$/)
    socket.disconnect()
  })
})

describe("socket.io-client and a hub of its own", { concurrency: true, timeout: 120 * SECOND_MS }, () => {
  test("cn3_pages_that_are_named_may_read_the_answers_of_polling",
    withHub({ BLOCKHUB_ALLOWED_ORIGINS: "https://app.example" }, async own => {
      const { status, headers } = await handshake(own.url, { Origin: "https://app.example" })
      assert.deepEqual([status, headers["access-control-allow-origin"]], [200, "https://app.example"])
      assert.equal((await handshake(own.url, { Origin: own.url })).status, 403)
    }))

  test("cn6_who_has_no_token_is_told_so_and_disconnected", withHub({ BLOCKHUB_AUTH_SECRET: SECRET }, async own => {
    for (const transports of [["websocket"], ["polling"]]) {
      for (const auth of [undefined, { token: "forged" }, { token: token("ann", -1) }]) {
        const client = new Client(auth, { url: own.url, transports })
        assert.equal((await client.expect("error", error => error.closeCode)).closeCode, 4401)
        assert.equal((client.received[0]).code, "unauthenticated")
        assert.equal(await client.closed(), "io server disconnect")
      }
      const ann = new Client({ token: token("ann") }, { url: own.url, transports })
      assert.equal((await ann.expect("welcome")).user.id, "ann")
      await ann.close()
    }
  }))

  test("cn7_a_token_that_ends_is_announced_and_can_be_replaced", withHub({ BLOCKHUB_AUTH_SECRET: SECRET }, async own => {
    const ann = new Client({ token: token("ann", 50) }, { url: own.url })
    await ann.expect("welcome")
    await ann.expect("tokenExpiring")
    assert.equal((await ann.ask({ type: "refresh", token: token("bob") })).code, "unauthenticated")
    assert.equal((await ann.ask({ type: "refresh", token: token("ann") })).type, "refreshed")
    assert.equal((await ann.ask({ type: "ping" })).type, "pong")
    await ann.close()
  }))

  test("cn7_no_edit_is_applied_after_the_tokens_end", withHub({ BLOCKHUB_AUTH_SECRET: SECRET }, async own => {
    const project = await newProject({}, { url: own.url, headers: { Authorization: `Bearer ${token("ann")}` } })
    const ann = new Client({ token: token("ann", 2) }, { url: own.url })
    await ann.expect("welcome")
    await ann.ask({ type: "join", project })
    let answer
    do answer = await ann.edit(project, [insert("still")]); while (answer.type === "ack")
    assert.equal(answer.code, "unauthenticated")
    assert.equal(await ann.closed(), "io server disconnect")
  }))

  test("a_hub_that_is_full_says_so_to_the_handshake_and_has_a_place_again_when_somebody_leaves",
    withHub({ BLOCKHUB_MAX_CONNECTIONS: "2" }, async own => {
      const on = transports => ({ url: own.url, transports })
      const ann = await Client.hello("ann", on(["websocket"]))
      const bob = await Client.hello("bob", on(["polling"]))
      assert.equal((await handshake(own.url, {})).status, 503)
      assert.equal((await (await fetch(`${own.url}/api/health`)).json()).connections, 2)
      await Promise.all([ann.close(), bob.close()])
      const eve = new Client({ user: { id: "eve" } }, { ...on(["websocket"]), reconnection: true, reconnectionDelay: 20 })
      await eve.expect("welcome")
      await eve.close()
    }))

  test("dr1_a_hub_that_stops_tells_when_serves_until_then_and_lets_clients_come_back",
    withHub({ BLOCKHUB_DRAIN_SECS: "2" }, async own => {
      const project = await newProject({}, own)
      const clients = await Promise.all([["websocket"], ["polling"], ["polling", "websocket"]].map(
        transports => Client.hello("ann", { url: own.url, transports })))
      for (const client of clients) await client.ask({ type: "join", project })
      const exit = own.end("SIGTERM")
      const ends = await Promise.all(clients.map(async client => {
        const { reconnectInMs } = await client.expect("draining")
        if (reconnectInMs > SECOND_MS) assert.equal((await client.edit(project, [insert("late")])).type, "ack")
        const { code, closeCode } = await client.expect("error")
        return [code, closeCode, await client.closed()]
      }))
      for (const [code, closeCode, reason] of ends) {
        assert.deepEqual([code, closeCode], ["draining", 1012])
        assert.match(reason, /^transport /)
      }
      assert.equal(await exit, 0)
    }))

  test("dr1_a_hub_that_stops_takes_nobody_new", withHub({ BLOCKHUB_DRAIN_SECS: "3" }, async own => {
    const [ann, bob] = await Promise.all(["ann", "bob"].map(user => Client.hello(user, { url: own.url })))
    const exit = own.end("SIGTERM")
    await Promise.all([ann.expect("draining"), bob.expect("draining")])
    assert.equal((await handshake(own.url, {})).status, 503)
    await Promise.all([ann.closed(), bob.closed()])
    assert.equal(await exit, 0)
  }))

  test("jn3_what_was_acked_is_there_on_the_hub_after_one_that_was_killed", async () => {
    const first = await OwnHub.start()
    let second
    try {
      const project = await newProject({}, first)
      const ann = await Client.hello("ann", { url: first.url })
      const { epoch } = await ann.ask({ type: "join", project })
      const editId = randomUUID()
      await ann.edit(project, [insert("one")])
      await ann.edit(project, [insert("two")], { editId })
      await first.end()
      assert.match(await ann.closed(), /^transport /)
      second = await OwnHub.start({}, first.folder)
      const again = await Client.hello("ann", { url: second.url })
      const answer = await again.ask({ type: "join", project, since: { epoch, seq: 1 } })
      assert.deepEqual([answer.recovered, answer.events.map(event => event.editId)], [true, [editId]])
      const { duplicate, seq } = await again.edit(project, [insert("two")], { editId, epoch })
      assert.deepEqual([duplicate, seq], [true, 2])
      await again.close()
    } finally {
      await (second ?? first).remove()
    }
  })
})
