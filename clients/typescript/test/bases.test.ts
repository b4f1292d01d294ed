// What an edit of several ops is counted on, op by op: typing on the text that it was typed in, the rest on what its
// author saw. Nothing of others is overwritten unseen, and no letter lands in the wrong place.

import { afterEach, beforeEach, expect, test, vi } from "vitest"
import type { Settlement } from "../src/index.js"
import { block, event, idOf, joined, PROJECT, settle } from "./harness/fake.js"

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }))
afterEach(() => void vi.useRealTimers())

const typed = (at: number, insert: string) => [{ at, delete: 0, insert }]

/** An edit is under way; behind it waits one that types in the same block and sets its title. */
async function typingAndTitleWait() {
  const all = await joined([block(1, { text: "ab", title: "old", color: "red" })])
  const first = all.project.update(idOf(1), { color: "blue" })
  await settle()
  const second = all.project.edit(tx => {
    tx.text(idOf(1), "/text", typed(2, "!"))
    tx.update(idOf(1), { title: "mine" })
  })
  await settle()
  return { ...all, first, second }
}

test("ed5_what_waits_behind_an_edit_and_clashes_with_a_snapshot_keeps_its_base_and_its_typing_goes_along", async () => {
  const { hub, client } = await typingAndTitleWait()
  await hub.close(1006)
  client.reconnect()
  await hub.welcome()
  await hub.joined(4, [block(1, { text: "> ab", title: "theirs", color: "green" }, { version: 4 })])
  const [first] = hub.edits()
  await hub.ack(first!, 5)
  await hub.event(event(5, [{ op: "update", block: idOf(1), version: 5, patch: { color: "blue" } }], first!.editId))
  expect(hub.edits()[1]!.ops).toEqual([
    { op: "text", block: idOf(1), baseVersion: 5, path: "/text", changes: typed(4, "!") },
    { op: "update", block: idOf(1), baseVersion: 1, patch: { title: "mine" } },
  ])
})

test("ed14_what_waits_behind_an_edit_and_clashes_with_another_log_keeps_the_epoch_of_its_base", async () => {
  const { hub, client } = await typingAndTitleWait()
  await hub.close(1006)
  client.reconnect()
  await hub.welcome()
  await hub.joined(9, [block(1, { text: "> ab", title: "theirs", color: "red" }, { version: 4 })], { epoch: "e-2" })
  const [first] = hub.edits()
  await hub.ack(first!, 9, { duplicate: true })
  expect(hub.edits()[1]).toMatchObject({
    epoch: "e-1",
    ops: [
      { op: "text", baseVersion: 1, changes: typed(2, "!") },
      { op: "update", baseVersion: 1, patch: { title: "mine" } },
    ],
  })
})

test("ed14_typing_before_an_edit_that_keeps_the_epoch_of_its_base_follows_into_the_new_log", async () => {
  const { hub, client, project } = await joined([block(1, { text: "ab", title: "old" })])
  project.update(idOf(1), { color: "blue" })
  await settle()
  project.text(idOf(1), "/text", typed(2, "!"))
  project.edit(tx => {
    tx.text(idOf(1), "/text", typed(3, "?"))
    tx.update(idOf(1), { title: "mine" })
  })
  await hub.close(1006)
  client.reconnect()
  await hub.welcome()
  await hub.joined(9, [block(1, { text: "> ab", title: "theirs" }, { version: 4 })], { epoch: "e-2" })
  await hub.ack(hub.edits()[0]!, 9, { duplicate: true })
  const second = hub.edits()[1]!
  expect(second).toMatchObject({ epoch: "e-2", ops: [{ op: "text", baseVersion: 4, changes: typed(4, "!") }] })
  const ops = [{ op: "text", block: idOf(1), version: 5, path: "/text", changes: typed(4, "!") } as const]
  hub.say({ type: "events", project: PROJECT, epoch: "e-2", events: [event(10, [...ops], second.editId)] })
  await settle()
  expect(hub.edits()[2]).toMatchObject({
    epoch: "e-1",
    ops: [
      { op: "text", baseVersion: 1, changes: typed(2, "?") },
      { op: "update", baseVersion: 1 },
    ],
  })
})

test("ed13_typing_beside_a_change_that_clashes_is_counted_on_the_text_as_it_is_when_it_goes", async () => {
  const { hub, first } = await typingAndTitleWait()
  await hub.event(event(2, [{ op: "update", block: idOf(1), version: 2, patch: { title: "theirs" } }]))
  await hub.event(event(3, [{ op: "text", block: idOf(1), version: 3, path: "/text", changes: typed(0, "> ") }]))
  await hub.event(event(4, [{ op: "update", block: idOf(1), version: 4, patch: { color: "blue" } }], first.id))
  expect(hub.edits()[1]!.ops).toEqual([
    { op: "text", block: idOf(1), baseVersion: 4, path: "/text", changes: typed(4, "!") },
    { op: "update", block: idOf(1), baseVersion: 1, patch: { title: "mine" } },
  ])
})

test("ed12_typing_on_a_string_that_somebody_replaced_is_never_counted_on_the_new_one_not_even_to_overwrite", async () => {
  const { hub, project } = await joined([block(1, { text: "ab", color: "red" })])
  const first = project.update(idOf(1), { color: "blue" })
  await settle()
  project.edit(tx => tx.text(idOf(1), "/text", typed(2, "!")), { onConflict: "overwrite" })
  await settle()
  await hub.event(event(2, [{ op: "text", block: idOf(1), version: 2, path: "/text", changes: typed(0, "> ") }]))
  await hub.event(event(3, [{ op: "update", block: idOf(1), version: 3, patch: { text: "other" } }]))
  await hub.event(event(4, [{ op: "update", block: idOf(1), version: 4, patch: { color: "blue" } }], first.id))
  expect(hub.edits()[1]!.ops).toEqual([
    { op: "text", block: idOf(1), baseVersion: 2, path: "/text", changes: typed(4, "!") },
  ])
})

test("ed5_what_goes_along_with_a_settled_conflict_keeps_the_base_that_its_author_saw", async () => {
  let settleIt = (_: Settlement): void => {}
  const { hub, client, project } = await joined([block(1, { n: 1 }), block(2, { text: "ab", title: "old" })])
  project.onConflict(() => new Promise(done => (settleIt = done)))
  project.edit(tx => {
    tx.update(idOf(1), { n: 2 })
    tx.text(idOf(2), "/text", typed(2, "!"))
    tx.update(idOf(2), { title: "mine" })
  })
  await settle()
  const { id, editId } = hub.edits()[0]!
  const current = block(1, { n: 5 }, { version: 5 })
  const conflicts = [{ op: 0, block: idOf(1), baseVersion: 1, currentVersion: 5, current, paths: ["/n"] }]
  hub.say({ type: "conflict", id, requestId: "r", project: PROJECT, editId, seq: 1, conflicts })
  await settle()
  await hub.event(event(2, [{ op: "update", block: idOf(2), version: 2, patch: { title: "theirs" } }]))
  await hub.close(1006)
  settleIt({ keep: "mine" })
  await settle()
  client.reconnect()
  await hub.welcome()
  const later = event(3, [{ op: "update", block: idOf(2), version: 3, patch: { color: "red" } }])
  await hub.recovered(3, [later])
  expect(hub.edits()[0]!.ops.slice(1)).toMatchObject([
    { op: "text", baseVersion: 3, changes: typed(2, "!") },
    { op: "update", baseVersion: 1, patch: { title: "mine" } },
  ])
})
