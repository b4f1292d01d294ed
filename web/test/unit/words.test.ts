// Signs, menus, history, states: what is said, and what typed signs mean.

import { describe, expect, test } from "vitest"
import type { Event } from "@blockhub/client"
import { pictureAddress } from "../../src/editor/image"
import { nameOfKey } from "../../src/editor/keyboard"
import { matching } from "../../src/editor/kinds"
import { justTyped, readLine } from "../../src/editor/shortcuts"
import { Typing } from "../../src/editor/typing"
import { runsOf, wordsFor as tell } from "../../src/past/story"
import { placeOf } from "../../src/place"
import { initialsOf, peopleOf } from "../../src/project/people"
import { wordsFor } from "../../src/project/saved"

describe("signs at the start of a line", () => {
  const signs = [["# ", "heading1"], ["### ", "heading3"], ["* ", "bulleted"], ["7. ", "numbered"], ["[] ", "todo"], ["> ", "quote"], ["```", "code"], ["---", "divider"]] as const
  test.each(signs)("%j makes %s", (sign, kind) => expect(justTyped(sign, sign.length)?.kind).toBe(kind))
  test("only right behind the caret, and a divider only by itself", () => {
    expect(justTyped("# Title", 7)).toBeNull()
    expect(justTyped("a # ", 4)).toBeNull()
    expect(justTyped("---a", 3)).toBeNull()
  })
  test("lines of Markdown are read as blocks", () => {
    expect(readLine("[x] done")).toEqual({ kind: "todo", content: { done: true, text: "done" } })
    expect(readLine("plain # text")).toEqual({ kind: "text", content: { text: "plain # text" } })
    expect(readLine("---")).toEqual({ kind: "divider", content: {} })
  })
})

test("the menu finds kinds by the start of their name first, then by other words", () => {
  expect(matching("he").map((kind) => kind.kind)).toEqual(["heading1", "heading2", "heading3", "todo"])
  expect(matching("picture").map((kind) => kind.kind)).toEqual(["image"])
  expect(matching("zzz")).toEqual([])
})

test("only addresses of pictures are loaded", () => {
  for (const good of ["https://a.example/b.png", "http://a.example", "data:image/png;base64,AA=="]) expect(pictureAddress(good)).toBe(good)
  for (const bad of ["javascript:alert(1)", "data:text/html,x", "/local", "", 7, null]) expect(pictureAddress(bad)).toBeNull()
})

test("a run of typing is one step, until a pause or another block", () => {
  let now = 0
  const typing = new Typing(() => now)
  const first = typing.group("a")
  now = 1_000
  expect(typing.group("a")).toBe(first)
  expect(typing.group("b")).not.toBe(first)
  const again = typing.group("a")
  now = 5_000
  expect(typing.group("a")).not.toBe(again)
})

test("keys are named with what is held down", () => {
  const none = { shiftKey: false, altKey: false, ctrlKey: false, metaKey: false }
  expect(nameOfKey({ ...none, key: "Z", metaKey: true, shiftKey: true })).toBe("Mod+Shift+z")
  expect(nameOfKey({ ...none, key: "ArrowUp", altKey: true })).toBe("Alt+ArrowUp")
})

describe("history", () => {
  const event = (seq: number, actor: string, at: string, ops: Event["ops"]): Event =>
    ({ seq, editId: String(seq), requestId: "", actor: { id: actor, kind: "human" }, at, ops }) as Event
  const wrote = (seq: number, actor: string, at: string): Event => event(seq, actor, at, [{ op: "text", block: "b", version: seq, path: "/text", changes: [] }])
  test("events of one person in a row are one run, a pause or another person begins another", () => {
    const events = [wrote(1, "ann", "2026-01-01T10:00:00Z"), wrote(2, "ann", "2026-01-01T10:00:20Z"), wrote(3, "bob", "2026-01-01T10:00:30Z"), wrote(4, "bob", "2026-01-01T10:05:00Z")]
    expect(runsOf(events.reverse()).map(({ from, to, actor }) => [from, to, actor.id])).toEqual([[4, 4, "bob"], [3, 3, "bob"], [1, 2, "ann"]])
  })
  test("what was done is told by the blocks it touched", () => {
    const ops: Event["ops"] = [{ op: "delete", blocks: ["a", "b"] }, { op: "text", block: "c", version: 2, path: "/text", changes: [] }]
    expect(tell([event(1, "ann", "2026-01-01T10:00:00Z", ops)])).toBe("wrote in a block and deleted 2 blocks")
  })
})

test("what is saved is told in words", () => {
  const since = new Date(2026, 0, 1, 12, 3)
  expect(wordsFor({ unsaved: 0, since: null }, false)).toBe("Saved")
  expect(wordsFor({ unsaved: 2, since }, false)).toBe("Saving…")
  expect(wordsFor({ unsaved: 3, since }, true)).toBe("3 edits not saved since 12:03")
  expect(wordsFor({ unsaved: 1, since }, true)).toBe("1 edit not saved since 12:03")
})

test("addresses name a project by path or by hash", () => {
  const id = "0f0e0d0c-0b0a-4908-8706-050403020100"
  expect(placeOf({ pathname: `/p/${id.toUpperCase()}`, hash: "" })).toEqual({ page: "project", id })
  expect(placeOf({ pathname: "/", hash: `#${id}` })).toEqual({ page: "project", id })
  expect(placeOf({ pathname: "/p/nothing", hash: "" })).toEqual({ page: "start" })
})

test("people are shown once, oneself first, with initials", () => {
  const member = (connection: string, id: string, self: boolean) => ({ connection, user: { id, name: id }, self })
  const people = peopleOf([member("1", "bob", false), member("2", "ann", true), member("3", "bob", false)])
  expect(people.map((person) => [person.user.id, person.members.length])).toEqual([["ann", 1], ["bob", 2]])
  expect(initialsOf({ id: "x", name: "Ann Mary Lee" })).toBe("AL")
})
