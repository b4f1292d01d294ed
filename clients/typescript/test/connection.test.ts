// One client's connection, on sockets that the test holds in its hand: hello, tokens, close codes, sleep.

import { afterEach, beforeEach, expect, test, vi } from "vitest"
import { afterClose, jittered, type Closing } from "../src/backoff.js"
import type { ServerMessage } from "../src/index.js"
import { FakeHub, joined, PROJECT, settle } from "./harness/fake.js"

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }))
afterEach(() => void vi.useRealTimers())

const closing: Closing = { code: 1006, failures: 0, wasOpen: true, retryAfterMs: undefined, hasTokens: false }

test("cn4_hello_is_said_first_and_welcome_opens_the_connection", async () => {
  const hub = new FakeHub()
  const client = hub.client()
  await settle()
  expect([hub.socket.url, hub.socket.protocols, hub.socket.sent]).toEqual(["ws://hub/ws", ["blockhub.v1"], []])
  await hub.welcome()
  expect(hub.socket.sent).toEqual([{ type: "hello", id: "hello", user: { id: "ann" } }])
  expect(client.connection).toMatchObject({
    state: "open",
    connection: "connection-1",
    session: "session-1",
    hub: "hub-1",
  })
})

test("cn4_the_session_is_named_again_on_the_next_connection", async () => {
  const hub = new FakeHub()
  hub.client()
  await hub.welcome()
  await hub.close(1012)
  await vi.advanceTimersByTimeAsync(1)
  await hub.welcome()
  expect(hub.sent("hello")).toMatchObject([{ session: "session-1" }])
})

test("cn5_the_token_goes_into_hello_and_is_asked_for_at_each_connect", async () => {
  const hub = new FakeHub()
  let given = 0
  hub.client({ token: async () => `token-${++given}` })
  await hub.welcome()
  expect([hub.sent("hello")[0]!.token, hub.socket.url]).toEqual(["token-1", "ws://hub/ws"])
  await hub.close(4401)
  await settle()
  await hub.welcome()
  expect(hub.sent("hello")[0]!.token).toBe("token-2")
})

test("cn7_an_expiring_token_is_refreshed_on_the_live_socket_and_a_failure_is_tried_again", async () => {
  const hub = new FakeHub()
  let given = 0
  const client = hub.client({ token: () => `token-${++given}` })
  await hub.welcome()
  hub.say({ type: "tokenExpiring", expiresAt: "2026-01-01T00:00:00.000Z" })
  await vi.advanceTimersByTimeAsync(1)
  expect(hub.sent("refresh").map(({ token }) => token)).toEqual(["token-2"])
  await hub.refuse(hub.sent("refresh")[0]!.id, "unauthenticated")
  expect(client.connection.state).toBe("open")
  await vi.advanceTimersByTimeAsync(5_000)
  expect(hub.sent("refresh").map(({ token }) => token)).toEqual(["token-2", "token-3"])
})

test("cn7_tokens_that_always_end_soon_are_not_asked_for_without_pause", async () => {
  const hub = new FakeHub()
  let given = 0
  hub.client({ token: () => `token-${++given}` })
  await hub.welcome()
  for (let round = 0; round < 10; round++) {
    hub.say({ type: "tokenExpiring", expiresAt: "2026-01-01T00:00:00.000Z" })
    await vi.advanceTimersByTimeAsync(100)
  }
  expect(given).toBe(2)
})

test("the_close_code_table_says_when_to_connect_again", () => {
  const next = (more: Partial<Closing>) => afterClose({ ...closing, ...more }, () => 0.5)
  expect(next({ code: 4400 })).toMatchObject({ next: "stop" })
  expect(next({ code: 4403 })).toMatchObject({ next: "stop" })
  expect(next({ code: 4401 })).toMatchObject({ next: "stop" })
  expect(next({ code: 4401, hasTokens: true })).toEqual({ next: "connect", inMs: 0 })
  expect(next({ code: 4401, hasTokens: true, wasOpen: false, failures: 1 })).toEqual({ next: "connect", inMs: 500 })
  expect(next({ code: 1012, failures: 7 })).toEqual({ next: "connect", inMs: 0 })
  expect(next({ code: 1013 })).toEqual({ next: "wait", inMs: 1_000 })
  expect(next({ code: 4429, retryAfterMs: 7_000 })).toEqual({ next: "wait", inMs: 7_250 })
  for (const code of [1000, 1001, 1006, 1009, 4408]) expect(next({ code })).toEqual({ next: "connect", inMs: 250 })
})

test("waits_double_have_full_jitter_and_end_at_half_a_minute", () => {
  expect([0, 1, 2, 20].map(failures => jittered(failures, () => 0.999999))).toEqual([499, 999, 1999, 29999])
  expect(jittered(20, () => 0)).toBe(0)
})

test("a_lost_connection_is_made_again_after_a_wait_that_grows_and_ends_when_it_lasts", async () => {
  const hub = new FakeHub()
  const client = hub.client()
  await hub.welcome()
  await hub.close(1006)
  expect(client.connection).toMatchObject({ state: "waiting", until: 1_000_250 })
  await vi.advanceTimersByTimeAsync(250)
  await hub.close(1006)
  expect(client.connection).toMatchObject({ state: "waiting", until: 1_000_750 })
  await vi.advanceTimersByTimeAsync(500)
  await hub.welcome()
  await vi.advanceTimersByTimeAsync(5_000)
  await hub.close(1006)
  expect(client.connection).toMatchObject({ state: "waiting", until: 1_005_750 + 250 })
})

test("for_good_means_for_good_and_says_why", async () => {
  const hub = new FakeHub()
  const client = hub.client()
  await hub.welcome()
  await hub.close(4403)
  await vi.advanceTimersByTimeAsync(3_600_000)
  expect([hub.sockets.length, client.connection]).toEqual([
    1,
    { state: "closed", why: "The hub has blocked this user." },
  ])
})

test("dr1_a_draining_hub_serves_to_its_end_and_the_client_comes_back_at_once", async () => {
  const { hub, client, project } = await joined()
  hub.say({ type: "draining", reconnectInMs: 3_000 })
  expect([client.connection.state, project.state.state]).toEqual(["open", "live"])
  await vi.advanceTimersByTimeAsync(3_000)
  await hub.close(1012)
  await vi.advanceTimersByTimeAsync(0)
  expect(hub.sockets.length).toBe(2)
})

test("dr1_a_hub_that_drains_and_does_not_close_is_left", async () => {
  const { hub } = await joined()
  hub.say({ type: "draining", reconnectInMs: 3_000 })
  await vi.advanceTimersByTimeAsync(18_000)
  await vi.advanceTimersByTimeAsync(1)
  expect([hub.sockets.length, hub.sockets[0]!.state]).toEqual([2, "closed"])
})

test("dr1_a_hello_refused_for_a_time_is_said_again_after_it", async () => {
  const hub = new FakeHub()
  const client = hub.client()
  await settle()
  hub.socket.onopen?.({} as never)
  await hub.refuse("hello", "draining", 2_000)
  expect(client.connection).toMatchObject({ state: "waiting", until: 1_002_250, why: "It is draining." })
})

test("a_hub_that_never_says_welcome_is_given_up", async () => {
  const hub = new FakeHub()
  hub.client()
  await settle()
  hub.socket.onopen?.({} as never)
  await vi.advanceTimersByTimeAsync(15_250)
  expect([hub.sockets.length, hub.sockets[0]!.state]).toEqual([2, "closed"])
})

test("cn8_silence_is_asked_about_and_a_hub_that_does_not_answer_is_given_up", async () => {
  const hub = new FakeHub()
  const client = hub.client()
  await hub.welcome()
  await vi.advanceTimersByTimeAsync(50_000)
  expect(hub.sent("ping").length).toBe(1)
  await vi.advanceTimersByTimeAsync(5_000)
  expect([hub.sockets[0]!.state, client.connection.state]).toEqual(["closed", "waiting"])
})

test("cn8_a_hub_that_answers_is_kept", async () => {
  const hub = new FakeHub()
  const client = hub.client()
  await hub.welcome()
  await vi.advanceTimersByTimeAsync(50_000)
  hub.say({ type: "pong", id: hub.sent("ping")[0]!.id, requestId: "r", now: "2026-01-01T00:00:00.000Z" })
  await vi.advanceTimersByTimeAsync(5_000)
  expect([hub.sockets.length, client.connection.state]).toEqual([1, "open"])
})

test("a_tab_that_slept_for_an_hour_finds_its_dead_socket_within_seconds_and_catches_up", async () => {
  const page = new EventTarget()
  vi.stubGlobal("window", page)
  vi.stubGlobal("document", Object.assign(new EventTarget(), { visibilityState: "visible" }))
  const { hub, project } = await joined()
  vi.setSystemTime(Date.now() + 3_600_000)
  page.dispatchEvent(new Event("pageshow"))
  expect(hub.sent("ping").length).toBe(1)
  await vi.advanceTimersByTimeAsync(5_000)
  expect([hub.sockets[0]!.state, project.state.state]).toEqual(["closed", "offline"])
  page.dispatchEvent(new Event("online"))
  await hub.welcome()
  expect(hub.sent("join")).toMatchObject([{ since: { epoch: "e-1", seq: 1 } }])
  vi.unstubAllGlobals()
})

test("the_page_is_held_back_while_something_is_unsaved_and_no_longer", async () => {
  const page = new EventTarget()
  vi.stubGlobal("window", page)
  vi.stubGlobal("document", new EventTarget())
  const { hub, client, project } = await joined()
  const leaves = () => page.dispatchEvent(new Event("beforeunload", { cancelable: true }))
  expect(leaves()).toBe(true)
  project.insert({ kind: "text" })
  expect(leaves()).toBe(false)
  await settle()
  await hub.ack(hub.edits()[0]!, 2)
  expect(leaves()).toBe(true)
  project.insert({ kind: "text" })
  client.close()
  expect(leaves()).toBe(true)
  vi.unstubAllGlobals()
})

test("whatever_an_old_socket_still_says_nobody_hears", async () => {
  const { hub, client } = await joined()
  const { onmessage } = hub.socket
  await hub.close(1006)
  const late: ServerMessage = { type: "project", project: PROJECT, title: "late", access: "none" }
  onmessage?.({ data: JSON.stringify(late) } as never)
  expect(client.project(PROJECT).title).toBe("Title")
})

test("reconnect_does_not_wait", async () => {
  const hub = new FakeHub()
  const client = hub.client()
  await hub.welcome()
  await hub.close(1006)
  client.reconnect()
  await hub.welcome()
  expect(client.connection.state).toBe("open")
})

test.each([
  ["a_close_over_limits", 4429, 30_000],
  ["a_close_over_limits_that_names_no_time", 4429, undefined],
  ["a_full_hub", 1013, undefined],
])("%s_is_not_asked_again_before_its_time_by_a_page_that_wakes_or_an_impatient_person", async (_, code, retryAfterMs) => {
  const page = new EventTarget()
  vi.stubGlobal("window", page)
  vi.stubGlobal("document", new EventTarget())
  const { hub, client } = await joined()
  if (retryAfterMs !== undefined) await hub.refuse("none", "rate_limited", retryAfterMs)
  await hub.close(code)
  const { until } = client.connection as { until: number }
  page.dispatchEvent(new Event("online"))
  client.reconnect()
  expect([hub.sockets.length, client.connection]).toMatchObject([1, { state: "waiting", until }])
  vi.setSystemTime(until)
  page.dispatchEvent(new Event("pageshow"))
  await settle()
  expect([hub.sockets.length, client.connection.state]).toEqual([2, "connecting"])
  vi.unstubAllGlobals()
})

test("cn6_a_name_in_any_script_goes_over_http_as_utf8", async () => {
  const asked: string[] = []
  const fetch = async (url: string | URL | Request, request?: RequestInit): Promise<Response> => {
    const header = new Request(url as string, request ?? {}).headers.get("X-BlockHub-User")!
    asked.push(new TextDecoder().decode(Uint8Array.from(header, unit => unit.charCodeAt(0))))
    return Response.json({ id: "p" }, { status: 201 })
  }
  const client = new FakeHub().client({ user: { id: "Zoë 李" }, fetch })
  await client.createProject({ title: "t" })
  expect(asked).toEqual(["Zoë 李"])
})

test("a_client_that_is_closed_by_who_hears_of_a_loss_stays_closed", async () => {
  const { hub, client, project } = await joined()
  project.on("state", () => project.state.state === "offline" && client.close())
  await hub.close(1006)
  expect([client.connection.state, vi.getTimerCount()]).toEqual(["closed", 0])
})

test("who_hears_of_a_loss_may_connect_again_at_once_and_there_is_one_connection", async () => {
  const { hub, client, project } = await joined()
  project.on("state", () => project.state.state === "offline" && client.reconnect())
  await hub.close(1006)
  expect([client.connection.state, hub.sockets.length]).toEqual(["connecting", 2])
  await hub.welcome()
  await vi.advanceTimersByTimeAsync(20_000)
  expect([client.connection.state, hub.sockets.length]).toEqual(["open", 2])
})

test("who_hears_of_a_loss_does_not_connect_before_the_time_that_the_hub_asked_for", async () => {
  const { hub, client, project } = await joined()
  project.on("state", () => project.state.state === "offline" && client.reconnect())
  await hub.close(1013)
  expect([client.connection.state, hub.sockets.length, vi.getTimerCount()]).toEqual(["waiting", 1, 1])
})
