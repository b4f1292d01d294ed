// Merge patches, pointers, leaves.

import { expect, test } from "vitest"
import {
  combined,
  difference,
  equal,
  leaves,
  overlap,
  parsePointer,
  patched,
  patchOf,
  writePointer,
} from "../src/json.js"

test("ed5_a_merge_patch_sets_merges_and_removes_and_changes_nothing_that_it_was_given", () => {
  const content = { a: { b: 1, c: 2 }, d: [1] }
  expect(patched(content, { a: { b: null, e: { f: null, g: 3 } }, d: "x" })).toEqual({
    a: { c: 2, e: { g: 3 } },
    d: "x",
  })
  expect(content).toEqual({ a: { b: 1, c: 2 }, d: [1] })
})

test("ed5_the_difference_is_the_patch_that_leads_there", () => {
  const [from, to] = [
    { a: { b: 1, c: 2 }, d: 1, e: [1] },
    { a: { b: 1, c: 3 }, e: [1], f: {} },
  ]
  expect(difference(from, to)).toEqual({ a: { c: 3 }, d: null, f: {} })
  expect(patched(from, difference(from, to))).toEqual(to)
})

test("ed5_two_patches_combined_do_what_they_do_one_after_the_other", () => {
  const [first, second] = [
    { a: { b: 1 }, c: 1 },
    { a: { b: null, d: 2 }, c: { e: 1 } },
  ]
  const content = { a: { b: 5, z: 1 } }
  expect(patched(content, combined(first, second))).toEqual(patched(patched(content, first), second))
})

test("ed11_pointers_are_read_and_written_with_their_escapes", () => {
  expect(parsePointer("/a~1b/m~0n")).toEqual(["a/b", "m~n"])
  expect(writePointer(["a/b", "m~n"])).toBe("/a~1b/m~0n")
  expect(() => parsePointer("a")).toThrow(RangeError)
  expect(() => parsePointer("/~2")).toThrow(RangeError)
})

test("ed5_leaves_are_paths_to_what_is_no_object_and_arrays_are_leaves", () => {
  expect(leaves({ a: { b: 1, c: {} }, d: [{}] })).toEqual([["a", "b"], ["a", "c"], ["d"]])
  expect([overlap(["a"], ["a", "b"]), overlap(["a", "b"], ["a"]), overlap(["a", "b"], ["a", "c"])]).toEqual([
    true,
    true,
    false,
  ])
})

test("a_key_named_like_a_prototype_is_a_key_like_any_other", () => {
  const content = patched({}, JSON.parse('{"__proto__":{"x":1}}'))
  expect(Object.hasOwn(content, "__proto__")).toBe(true)
  expect(({} as Record<string, unknown>).x).toBeUndefined()
  expect(equal(content, patchOf(["__proto__", "x"], 1))).toBe(true)
})
