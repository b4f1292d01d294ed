// Unsaved edits that outlive the page: kept before they are sent, sent again unchanged, by a store that may fail.

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest"
import { MemoryDrafts, type Drafts } from "../src/index.js"
import { block, event, FakeHub, idOf, joined, PROJECT, settle } from "./harness/fake.js"

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


describe("a store that cannot be read at first", () => {
  beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }))
  afterEach(() => void vi.useRealTimers())

  /** A store in which a page left an X typed at the end of "ab". */
  async function left() {
    const drafts = new MemoryDrafts()
    const { hub, client, project } = await joined([block(1, { text: "ab" })], { drafts })
    await hub.close(1006)
    const edit = project.text(idOf(1), "/text", typed(2, "X"))
    await settle()
    client.close()
    return { drafts, edit }
  }

  test("what_the_page_before_left_is_read_again_on_the_next_connection", async () => {
    const { drafts, edit } = await left()
    vi.spyOn(drafts, "load").mockRejectedValueOnce(new Error("not now"))
    const { hub, client, project } = await joined([block(1, { text: "> ab" }, { version: 2 })], { drafts }, 2)
    expect([project.sync.unsaved, project.sync.drafts]).toEqual([0, "failing"])
    await hub.close(1006)
    client.reconnect()
    await hub.welcome()
    await hub.recovered(2, [])
    expect(hub.edits()).toMatchObject([{ editId: edit.id, ops: [{ baseVersion: 1, changes: typed(2, "X") }] }])
    expect([project.block(idOf(1))!.content.text, project.sync.unsaved]).toEqual(["> abX", 1])
  })

  test("ed13_what_it_brings_too_late_stands_beside_what_was_typed_since_and_is_sent_at_once", async () => {
    const { drafts, edit } = await left()
    const all = await drafts.load(PROJECT)
    let read = (): void => {}
    vi.spyOn(drafts, "load").mockImplementation(() => new Promise(done => (read = () => done(all))))
    const hub = new FakeHub()
    const project = hub.client({ drafts }).project(PROJECT)
    await hub.welcome()
    await vi.advanceTimersByTimeAsync(3_000)
    await hub.joined(2, [block(1, { text: "> ab" }, { version: 2 })])
    const since = project.text(idOf(1), "/text", typed(4, "Y"))
    read()
    await settle()
    await hub.recovered(2, [])
    expect([project.sync.edits.map(({ id }) => id), project.sync.drafts]).toEqual([[edit.id, since.id], "kept"])
    expect(hub.edits()).toMatchObject([{ editId: edit.id, ops: [{ baseVersion: 2, changes: typed(4, "X") }] }])
    const changes = typed(4, "X")
    await hub.event(event(3, [{ op: "text", block: idOf(1), version: 3, path: "/text", changes }], edit.id))
    await vi.advanceTimersByTimeAsync(100)
    const text = project.block(idOf(1))!.content.text as string
    const at = text.indexOf("Y")
    expect(hub.edits()[1]).toMatchObject({ editId: since.id, ops: [{ baseVersion: 3, changes: typed(at, "Y") }] })
    expect([...text].sort().join("")).toBe([..."> abXY"].sort().join(""))
  })

  test("ed14_what_it_brings_too_late_and_clashes_goes_on_the_base_that_its_author_saw", async () => {
    const drafts = new MemoryDrafts()
    const { hub: before, client, project } = await joined([block(1, { a: 1 })], { drafts })
    await before.close(1006)
    project.update(idOf(1), { a: 2 })
    await settle()
    client.close()
    vi.spyOn(drafts, "load").mockRejectedValueOnce(new Error("not now"))
    const { hub, client: next } = await joined([block(1, { a: 3 }, { version: 6 })], { drafts }, 9)
    await hub.close(1006)
    next.reconnect()
    await hub.welcome()
    await hub.recovered(9, [])
    expect(hub.edits()).toMatchObject([{ epoch: "e-1", ops: [{ baseVersion: 1, patch: { a: 2 } }] }])
  })
})
