// The store in IndexedDB: what is saved is loaded again, drafts are kept apart by tab, a lost connection is opened anew.

import { forceCloseDatabase, IDBDatabase, IDBFactory, IDBKeyRange } from "fake-indexeddb"
import { afterEach, beforeEach, expect, test, vi } from "vitest"
import { connect, IndexedDbDrafts, type DraftEdit, type Project } from "../src/index.js"
import { FakeHub, idOf, PROJECT } from "./harness/fake.js"
import { until } from "./harness/until.js"

beforeEach(() => {
  vi.stubGlobal("indexedDB", new IDBFactory())
  vi.stubGlobal("IDBKeyRange", IDBKeyRange)
})
afterEach(() => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

const draft = (number: number): DraftEdit => ({
  format: 1,
  project: PROJECT,
  edit: idOf(number),
  user: "ann",
  at: number,
  order: 0,
  onConflict: "merge",
  epoch: "e-1",
  ops: [],
  bases: [],
  sent: null,
})

/** Web Locks as far as they are used; a tab that closes lets go. */
function locks() {
  const held = new Map<string, () => void>()
  const waiting: (() => void)[] = []
  const request = async (name: string, ...args: unknown[]) => {
    const act = args.at(-1) as () => unknown
    const { signal } = (args.length > 1 ? args[0] : {}) as { signal?: AbortSignal }
    await new Promise<void>((resolve, reject) => {
      const look = () => void (held.has(name) || resolve())
      waiting.push(look)
      signal?.addEventListener("abort", () => reject(signal.reason))
      look()
    })
    await new Promise<void>(resolve => {
      held.set(name, resolve)
      void Promise.resolve(act()).then(() => letGo(name))
    })
  }
  const letGo = (name: string) => {
    held.get(name)?.()
    held.delete(name)
    for (const look of waiting) look()
  }
  const query = async () => ({ held: [...held.keys()].map(name => ({ name })) })
  return { navigator: { locks: { request, query } }, closeAll: () => [...held.keys()].forEach(letGo) }
}

test("what_is_saved_is_loaded_by_the_same_tab_and_what_is_removed_is_not", async () => {
  const drafts = new IndexedDbDrafts()
  await drafts.save(draft(1))
  await drafts.save(draft(2))
  await drafts.save({ ...draft(2), at: 7 })
  await drafts.remove(PROJECT, idOf(1))
  expect(await drafts.load(PROJECT)).toEqual([{ ...draft(2), at: 7 }])
  expect(await drafts.load("another")).toEqual([])
})

test("a_tab_takes_over_what_a_closed_one_left_and_nothing_of_one_that_lives", async () => {
  const { navigator, closeAll } = locks()
  vi.stubGlobal("navigator", navigator)
  const [first, second] = [new IndexedDbDrafts(), new IndexedDbDrafts()]
  await first.load(PROJECT)
  await first.save(draft(1))
  expect(await second.load(PROJECT)).toEqual([])
  closeAll()
  const third = new IndexedDbDrafts()
  expect(await third.load(PROJECT)).toEqual([draft(1)])
  expect(await new IndexedDbDrafts().load(PROJECT)).toEqual([])
})

test("a_reloaded_page_waits_for_the_one_before_it_to_let_go", async () => {
  const { navigator, closeAll } = locks()
  vi.stubGlobal("navigator", navigator)
  const kept = new Map<string, string>()
  vi.stubGlobal("sessionStorage", {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
  })
  const before = new IndexedDbDrafts()
  await before.load(PROJECT)
  await before.save(draft(1))
  const loaded = new IndexedDbDrafts().load(PROJECT)
  await until("the new page holds its lock", async () => (await navigator.locks.query()).held.length === 2)
  closeAll()
  expect(await loaded).toEqual([draft(1)])
})

test("a_client_that_is_closed_leaves_what_is_unsaved_to_the_next_one_in_the_same_page", async () => {
  vi.stubGlobal("navigator", locks().navigator)
  const load = vi.spyOn(IndexedDbDrafts.prototype, "load")
  const client = connect({ url: "http://hub", user: { id: "ann" }, webSocket: new FakeHub().webSocket })
  const project = client.project(PROJECT) as Project & { opened(): void }
  project.opened()
  await until("the drafts are read", () => load.mock.results.length > 0)
  await load.mock.results[0]!.value
  await (load.mock.contexts[0] as IndexedDbDrafts).save(draft(1))
  expect(await new IndexedDbDrafts().load(PROJECT)).toEqual([])
  client.close()
  expect(await new IndexedDbDrafts().load(PROJECT)).toEqual([draft(1)])
})

/** A store that has saved one draft, and its connection. */
async function connected() {
  const transaction = vi.spyOn(IDBDatabase.prototype, "transaction")
  const drafts = new IndexedDbDrafts()
  await drafts.save(draft(1))
  return { drafts, database: transaction.mock.contexts[0] as IDBDatabase }
}

test.each([
  ["the_browser_closes", async (database: IDBDatabase) => forceCloseDatabase(database as never)],
  ["is_closed_for_another_that_wants_the_database_to_itself", () => deleted()],
])("a_connection_that_%s_is_opened_anew", async (_, lose) => {
  const { drafts, database } = await connected()
  await lose(database)
  await drafts.save(draft(2))
  expect(await drafts.load(PROJECT)).toContainEqual(draft(2))
})

test("a_connection_on_which_nothing_can_be_begun_is_opened_anew_for_the_next_call", async () => {
  const { drafts, database } = await connected()
  database.close()
  await expect(drafts.save(draft(2))).rejects.toThrow()
  await drafts.save(draft(2))
  expect(await drafts.load(PROJECT)).toEqual([draft(1), draft(2)])
})

/** The whole database. */
function deleted(): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase("blockhub-drafts")
    request.onsuccess = () => resolve()
    request.onerror = () => reject(request.error)
  })
}

test("without_web_locks_age_tells_what_was_left_behind", async () => {
  vi.stubGlobal("navigator", {})
  await new IndexedDbDrafts().save(draft(1))
  expect(await new IndexedDbDrafts().load(PROJECT)).toEqual([])
  vi.spyOn(Date, "now").mockReturnValue(Date.now() + 61_000)
  expect(await new IndexedDbDrafts().load(PROJECT)).toEqual([draft(1)])
})
