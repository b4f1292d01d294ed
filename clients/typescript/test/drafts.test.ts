// Unsaved edits that outlive the page: kept before they are sent, sent again unchanged, kept apart by tab.

import { IDBFactory, IDBKeyRange } from "fake-indexeddb"
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest"
import { connect, IndexedDbDrafts, MemoryDrafts, type DraftEdit, type Drafts, type Project } from "../src/index.js"
import { block, event, FakeHub, idOf, joined, PROJECT, settle } from "./harness/fake.js"
import { until } from "./harness/until.js"

const typed = (at: number, insert: string) => [{ at, delete: 0, insert }]

describe("a page and the next one", () => {
  beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }))
  afterEach(() => void vi.useRealTimers())

  test("an_edit_is_in_the_store_before_it_is_sent_and_out_of_it_once_its_event_is_here", async () => {
    const drafts = new MemoryDrafts()
    const steps: string[] = []
    vi.spyOn(drafts, "save").mockImplementation(
      async draft => void steps.push(draft.sent === null ? "kept" : "kept as sent"),
    )
    const { hub, project } = await joined([block(1)], { drafts })
    const remove = vi.spyOn(drafts, "remove")
    const send = hub.socket.send.bind(hub.socket)
    hub.socket.send = text => (steps.push("sent"), send(text))
    const edit = project.update(idOf(1), { a: 1 })
    await settle()
    expect(steps.at(-1)).toBe("sent")
    expect(steps.slice(0, -1)).toContain("kept as sent")
    await hub.ack(hub.edits()[0]!, 2)
    expect(remove).not.toHaveBeenCalled()
    await hub.event(event(2, [{ op: "update", block: idOf(1), version: 2, patch: { a: 1 } }], edit.id))
    expect(remove).toHaveBeenCalledWith(PROJECT, edit.id)
  })

  test("ed2_after_a_reload_what_was_sent_is_sent_again_unchanged_and_what_waited_follows", async () => {
    const drafts = new MemoryDrafts()
    const { hub, client, project } = await joined([block(1, { text: "ab" })], { drafts })
    project.text(idOf(1), "/text", typed(1, "X"))
    await vi.advanceTimersByTimeAsync(100)
    project.text(idOf(1), "/text", typed(2, "Y"))
    await settle()
    const { id: _, ...sent } = hub.edits()[0]!
    client.close()

    const next = new FakeHub()
    const again = next.client({ drafts }).project(PROJECT)
    await next.welcome()
    expect([next.sent("join").length, again.sync.unsaved]).toEqual([1, 2])
    await next.joined(4, [block(1, { text: "> aXb" }, { version: 3 })])
    expect(again.block(idOf(1))!.content.text).toBe("> aXYb")
    expect(next.edits()).toMatchObject([sent])
    await next.ack(next.edits()[0]!, 2, { duplicate: true })
    await settle()
    expect(next.edits()[1]!.ops).toEqual([
      { op: "text", block: idOf(1), baseVersion: 3, path: "/text", changes: typed(4, "Y") },
    ])
    await next.ack(next.edits()[1]!, 5)
    await next.event(
      event(
        5,
        [{ op: "text", block: idOf(1), version: 4, path: "/text", changes: typed(4, "Y") }],
        next.edits()[1]!.editId,
      ),
    )
    expect([again.block(idOf(1))!.content.text, again.sync.unsaved, await drafts.load(PROJECT)]).toEqual([
      "> aXYb",
      0,
      [],
    ])
  })

  test("what_was_made_offline_in_one_page_is_sent_by_the_next_inserts_moves_and_deletes_too", async () => {
    const drafts = new MemoryDrafts()
    const { hub, client, project } = await joined([block(1), block(2)], { drafts })
    await hub.close(1006)
    const insert = project.insert({ kind: "text", after: idOf(1), content: { text: "new" } })
    project.text(insert.block, "/text", typed(3, "er"))
    project.move(idOf(2), { parent: insert.block, after: null })
    project.edit(tx => tx.delete(idOf(1)))
    await settle()
    client.close()

    const next = new FakeHub()
    const again = next.client({ drafts }).project(PROJECT)
    await next.welcome()
    await next.joined(1, [block(1), block(2)])
    expect(again.blocks.map(({ id, content }) => [id, content.text])).toEqual([
      [insert.block, "newer"],
      [idOf(2), "text 2"],
    ])
    expect(next.edits().map(({ ops }) => ops[0]!.op)).toEqual(["insert", "delete"])
    await next.event(
      event(
        2,
        [
          {
            op: "insert",
            block: {
              id: insert.block,
              kind: "text",
              parent: null,
              position: "a1V",
              content: { text: "new" },
              version: 1,
            },
          },
        ],
        next.edits()[0]!.editId,
      ),
    )
    expect(
      next
        .edits()
        .slice(2)
        .map(({ ops }) => ops[0]!.op),
    ).toEqual(["text", "move"])
  })

  test("ed14_a_waiting_edit_of_an_old_page_that_clashes_goes_on_the_base_that_its_author_saw", async () => {
    const drafts = new MemoryDrafts()
    const { hub, client, project } = await joined([block(1, { a: 1, text: "ab" })], { drafts })
    await hub.close(1006)
    project.update(idOf(1), { a: 2 })
    await settle()
    client.close()
    const next = new FakeHub()
    next.client({ drafts }).project(PROJECT)
    await next.welcome()
    await next.joined(9, [block(1, { a: 3 }, { version: 6 })])
    expect(next.edits()[0]).toMatchObject({ epoch: "e-1", ops: [{ baseVersion: 1, patch: { a: 2 } }] })
  })

  test("ed13_typing_that_waits_behind_another_edit_is_never_counted_on_a_text_that_is_not_its_base", async () => {
    const drafts = new MemoryDrafts()
    const { client, project } = await joined([block(1, { text: "ab" })], { drafts })
    project.update(idOf(1), { color: "red" })
    await settle()
    project.text(idOf(1), "/text", typed(2, "!"))
    await settle()
    client.close()

    const next = new FakeHub()
    const again = next.client({ drafts }).project(PROJECT)
    await next.welcome()
    await next.joined(4, [block(1, { text: "theirs ab" }, { version: 3 })])
    const first = next.edits()[0]!
    await next.ack(first, 5)
    await next.event(
      event(5, [{ op: "update", block: idOf(1), version: 4, patch: { color: "red" } }], first.editId),
    )
    await vi.advanceTimersByTimeAsync(100)
    expect(next.edits()[1]!.ops).toEqual([
      { op: "text", block: idOf(1), baseVersion: 4, path: "/text", changes: typed(9, "!") },
    ])
    expect(again.block(idOf(1))!.content.text).toBe("theirs ab!")
  })

  test("what_another_user_left_in_this_browser_is_not_sent_and_stays", async () => {
    const drafts = new MemoryDrafts()
    const { client, project, hub } = await joined([block(1)], { drafts })
    await hub.close(1006)
    project.update(idOf(1), { a: 1 })
    await settle()
    client.close()
    const [mine] = await drafts.load(PROJECT)
    await drafts.save({ ...mine!, user: "bob" })
    const { hub: next, project: again } = await joined([block(1)], { drafts })
    expect([next.edits(), again.sync.unsaved, (await drafts.load(PROJECT)).length]).toEqual([[], 0, 1])
  })

  test("edits_made_before_the_store_was_read_are_there_once", async () => {
    const drafts = new MemoryDrafts()
    const hub = new FakeHub()
    const project = hub.client({ drafts }).project(PROJECT)
    const insert = project.insert({ kind: "text", content: { text: "early" } })
    await hub.welcome()
    await hub.joined(1, [])
    expect([hub.edits().map(({ editId }) => editId), project.sync.unsaved]).toEqual([[insert.id], 1])
  })

  test.each(["throws", "does not answer"])("a_store_that_%s_holds_nothing_up_for_long_and_sync_says_so", async how => {
    const fails = (): Promise<never> =>
      how === "throws" ? Promise.reject(new Error("no room")) : new Promise(() => {})
    const drafts: Drafts = { load: fails, save: fails, remove: fails }
    const hub = new FakeHub()
    const project = hub.client({ drafts }).project(PROJECT)
    await hub.welcome()
    await vi.advanceTimersByTimeAsync(3_000)
    await hub.joined(1, [block(1)])
    project.update(idOf(1), { a: 1 })
    await settle()
    expect([project.sync.drafts, hub.edits().length]).toEqual(["failing", 1])
  })

  test("a_store_that_stops_answering_holds_no_edit_up_for_longer_than_the_first", async () => {
    const drafts = new MemoryDrafts()
    const { hub, project } = await joined([block(1), block(2), block(3)], { drafts })
    vi.spyOn(drafts, "save").mockImplementation(() => new Promise(() => {}))
    for (const number of [1, 2, 3]) project.update(idOf(number), { a: 1 })
    await vi.advanceTimersByTimeAsync(3_000)
    expect(hub.edits().length).toBe(3)
  })

  test("an_edit_that_the_store_would_not_take_is_offered_again_and_until_it_is_in_sync_says_so", async () => {
    const drafts = new MemoryDrafts()
    const { hub, project } = await joined([block(1), block(2)], { drafts })
    await hub.close(1006)
    const save = drafts.save.bind(drafts)
    vi.spyOn(drafts, "save").mockImplementation(async draft => {
      if (full === draft.ops[0]!.op) throw new Error("no room")
      await save(draft)
    })
    let full = "insert"
    project.insert({ kind: "text" })
    await settle()
    project.update(idOf(1), { a: 1 })
    await settle()
    expect([project.sync.drafts, (await drafts.load(PROJECT)).length]).toEqual(["failing", 1])
    full = ""
    project.update(idOf(2), { a: 1 })
    await settle()
    expect([project.sync.drafts, (await drafts.load(PROJECT)).length]).toEqual(["kept", 3])
  })
})

describe("IndexedDB", () => {
  beforeEach(() => {
    vi.stubGlobal("indexedDB", new IDBFactory())
    vi.stubGlobal("IDBKeyRange", IDBKeyRange)
  })
  afterEach(() => void vi.unstubAllGlobals())

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
    vi.restoreAllMocks()
  })

  test("without_web_locks_age_tells_what_was_left_behind", async () => {
    vi.stubGlobal("navigator", {})
    await new IndexedDbDrafts().save(draft(1))
    expect(await new IndexedDbDrafts().load(PROJECT)).toEqual([])
    vi.spyOn(Date, "now").mockReturnValue(Date.now() + 61_000)
    expect(await new IndexedDbDrafts().load(PROJECT)).toEqual([draft(1)])
    vi.restoreAllMocks()
  })
})
