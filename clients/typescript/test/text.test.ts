// Changes to strings, and typing while others do ([ED13]).

import { expect, test } from "vitest"
import type { TextChange } from "../src/index.js"
import { apply, difference, shift } from "../src/text/changes.js"
import { Typist } from "../src/text/typist.js"
import { Chance, seed } from "./harness/chance.js"

const change = (at: number, remove: number, insert: string): TextChange => ({ at, delete: remove, insert })

/** A typist with one edit typed, and then another. */
function typing(text: string, ...typed: [edit: number, ...TextChange[]][]): Typist {
  const typist = new Typist(text)
  for (const [edit, ...changes] of typed) typist.types(edit, changes)
  return typist
}

test("ed11_changes_are_spans_of_the_text_before", () => {
  expect(apply("abcdef", [change(1, 2, "X"), change(5, 0, "Y")])).toBe("aXdeYf")
  expect(() => apply("abc", [change(2, 2, "")])).toThrow(RangeError)
  expect(() => apply("abc", [change(2, 0, "x"), change(1, 0, "y")])).toThrow(RangeError)
  expect(() => apply("😀", [change(1, 0, "x")])).toThrow(RangeError)
  expect(() => apply("😀", [change(0, 1, "")])).toThrow(RangeError)
})

test("a_caret_moves_with_the_text_around_it", () => {
  expect(shift(3, [change(0, 0, "xx")], "before")).toBe(5)
  expect(shift(3, [change(3, 0, "xx")], "before")).toBe(3)
  expect(shift(3, [change(3, 0, "xx")], "after")).toBe(5)
  expect(shift(3, [change(1, 1, "")], "before")).toBe(2)
  expect(shift(3, [change(1, 4, "yyy")], "before")).toBe(1)
  expect(shift(3, [change(1, 4, "yyy")], "after")).toBe(4)
  expect(shift(3, [change(1, 2, "z")], "before")).toBe(2)
  expect(shift(3, [change(4, 1, "z")], "after")).toBe(3)
  expect(shift(6, [change(0, 1, ""), change(2, 0, "ab"), change(6, 0, "c")], "after")).toBe(8)
})

test("the_difference_of_two_texts_ends_at_the_caret_and_cuts_no_pair", () => {
  expect(difference("aaa", "aaaa", 2)).toEqual([change(1, 0, "a")])
  expect(difference("aaaa", "aaa", 1)).toEqual([change(1, 1, "")])
  expect(difference("same", "same", 2)).toEqual([])
  expect(difference("x😀y", "x😁y", 3)).toEqual([change(1, 2, "😁")])
  expect(difference("😀", "😀😀", 4)).toEqual([change(2, 0, "😀")])
})

test("the_difference_always_leads_from_one_text_to_the_other", () => {
  const start = seed()
  const chance = new Chance(start)
  for (let round = 0; round < 2_000; round++) {
    const text = () => Array.from({ length: chance.below(8) }, () => chance.pick(["a", "b", "😀", "😁"])).join("")
    const [before, after] = [text(), text()]
    const changes = difference(before, after, chance.below(after.length + 1))
    expect([start, apply(before, changes)]).toEqual([start, after])
    for (const { at, insert } of changes)
      expect(/^[\udc00-\udfff]|[\ud800-\udbff]$/.test(insert) || /[\udc00-\udfff]/.test(before[at] ?? "")).toBe(false)
  }
})

test("ed13_pending_text_stays_beside_the_character_it_was_typed_after", () => {
  const typist = typing("abcd", [0, change(2, 0, "P")])
  expect(typist.takesOthers([change(0, 1, "A"), change(2, 0, "-")])).toEqual([change(0, 1, "A"), change(3, 0, "-")])
  expect([typist.shown(), typist.confirmed(), typist.changesOf(0)]).toEqual(["AbP-cd", "Ab-cd", [change(2, 0, "P")]])
})

test("ed13_pending_text_keeps_its_place_when_the_character_it_was_typed_after_goes", () => {
  const typist = typing("abcd", [0, change(2, 0, "P")])
  typist.takesOthers([change(1, 1, "")])
  typist.takesOthers([change(1, 0, "-")])
  expect([typist.shown(), typist.changesOf(0)]).toEqual(["a-Pcd", [change(2, 0, "P")]])
})

test("ed13_what_is_typed_while_an_edit_is_under_way_goes_as_the_next_one", () => {
  const typist = typing(
    "",
    [0, change(0, 0, "one")],
    [1, change(3, 0, " two")],
    [1, change(0, 1, "O")],
    [1, change(7, 0, "!")],
  )
  expect(typist.changesOf(0)).toEqual([change(0, 0, "one")])
  typist.takesOwn(0, typist.changesOf(0))
  expect([typist.confirmed(), typist.changesOf(1)]).toEqual(["one", [change(0, 1, "O"), change(3, 0, " two!")]])
})

test("ed13_what_is_typed_and_deleted_again_before_it_is_sent_is_never_sent", () => {
  const typist = typing("ab", [0, change(1, 0, "xyz")], [0, change(2, 1, "")])
  expect(typist.changesOf(0)).toEqual([change(1, 0, "xz")])
})

test("ed13_the_hub_decides_where_the_edit_under_way_goes_and_pending_text_goes_with_it", () => {
  const typist = typing("ab", [0, change(1, 0, "mine")], [1, change(5, 0, "!")], [1, change(1, 1, "M")])
  typist.takesOthers([change(1, 0, "theirs")])
  typist.takesOwn(0, [change(7, 0, "mine")])
  expect([typist.confirmed(), typist.shown()]).toEqual(["atheirsmineb", "aMtheirsine!b"])
  expect(typist.changesOf(1)).toEqual([change(1, 0, "M"), change(7, 1, ""), change(11, 0, "!")])
})

test("ed13_what_two_deleted_is_deleted_once", () => {
  const typist = typing("abcd", [0, change(1, 2, "X")])
  expect(typist.changesOf(0)).toEqual([change(1, 2, "X")])
  expect(typist.takesOthers([change(2, 2, "")])).toEqual([change(2, 1, "")])
  typist.takesOwn(0, [change(1, 1, "X")])
  expect([typist.confirmed(), typist.isDone(0)]).toEqual(["aX", true])
})

test("ed13_a_dropped_edit_takes_back_what_it_typed_and_deleted", () => {
  const typist = typing("abc", [0, change(1, 1, "X")], [1, change(2, 0, "Y")])
  expect(typist.shown()).toBe("aXYc")
  typist.drop(0)
  expect(typist.shown()).toBe("aYbc")
})

test("ed13_an_event_with_other_text_than_was_typed_is_the_truth_all_the_same", () => {
  const typist = typing("abc", [0, change(1, 0, "X")], [1, change(3, 0, "Y")])
  typist.takesOwn(0, [change(2, 0, "other")])
  expect([typist.confirmed(), typist.shown()]).toEqual(["abotherc", "abYotherc"])
})

test("ed13_a_snapshot_that_holds_the_unanswered_edit_does_not_show_it_twice", () => {
  const typist = typing("ab", [0, change(1, 0, "X")], [1, change(2, 0, "Y")])
  typist.takesSnapshot("> aXb", 0)
  expect([typist.confirmed(), typist.shown(), typist.changesOf(1)]).toEqual(["> aXb", "> aXYb", [change(4, 0, "Y")]])
})

test("ed13_a_snapshot_without_the_unanswered_edit_keeps_it_in_its_place", () => {
  const typist = typing("ab", [0, change(1, 0, "X")], [1, change(2, 0, "Y")])
  typist.takesSnapshot("> ab", 0)
  expect([typist.shown(), typist.changesOf(0)]).toEqual(["> aXYb", [change(3, 0, "X")]])
})

test("ed13_whatever_others_do_the_told_changes_lead_from_what_was_shown_to_what_is", () => {
  const start = seed()
  const chance = new Chance(start)
  const some = (text: string) => {
    const at = chance.below(text.length + 1)
    return [change(at, chance.below(Math.min(3, text.length - at) + 1), chance.pick(["", "x", "yz"]))]
  }
  for (let round = 0; round < 500; round++) {
    const typist = new Typist("abcdefgh")
    for (let step = 0; step < 12; step++) {
      const before = typist.shown()
      const changes = some(chance.next() < 0.5 ? before : typist.confirmed())
      if (chance.next() < 0.5 && changes[0]!.at + changes[0]!.delete <= before.length) {
        typist.types(chance.below(3) + step * 3, changes)
        expect([start, typist.shown()]).toEqual([start, apply(before, changes)])
      } else if (changes[0]!.at + changes[0]!.delete <= typist.confirmed().length) {
        const confirmed = apply(typist.confirmed(), changes)
        expect([start, apply(before, typist.takesOthers(changes))]).toEqual([start, typist.shown()])
        expect([start, typist.confirmed()]).toEqual([start, confirmed])
      }
    }
  }
})
