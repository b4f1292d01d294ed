// Order keys are the hub's: the same golden values.

import { readFileSync } from "node:fs"
import { expect, test } from "vitest"
import { between } from "../src/position.js"

const GOLDEN = readFileSync(new URL("../../../tests/data/order-keys.txt", import.meta.url), "utf8")
const keyOf = (word: string) => (word === "-" ? null : word)

test("ed8_every_golden_key_is_reckoned_as_the_hub_does", () => {
  const rows = GOLDEN.split("\n")
    .filter(line => line !== "" && !line.startsWith("#"))
    .map(line => line.split(" ") as [string, string, string])
  expect(rows.length).toBeGreaterThan(700)
  for (const [after, before, key] of rows) {
    if (key === "!") expect(() => between(keyOf(after), keyOf(before)), `${after} ${before}`).toThrow(RangeError)
    else expect([after, before, between(keyOf(after), keyOf(before))]).toEqual([after, before, key])
  }
})

test("ed8_keys_that_are_out_of_order_or_none_are_refused", () => {
  expect(() => between("a1", "a0")).toThrow(RangeError)
  expect(() => between("a0", "a0")).toThrow(RangeError)
  expect(() => between("a00", null)).toThrow(RangeError)
  expect(() => between("!", null)).toThrow(RangeError)
})
