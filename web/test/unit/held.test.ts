// Typing while the changes of others wait: whoever applies both comes to the same text.

import { expect, test } from "vitest"
import type { TextChange } from "@blockhub/client"
import { applied, behind } from "../../src/editor/changes"
import { Held } from "../../src/editor/held"

const put = (at: number, insert: string, cut = 0): TextChange[] => [{ at, delete: cut, insert }]

test("what is typed under a waiting change goes to its place in the whole text", () => {
  const held = new Held()
  held.hold(put(0, "They: "))
  const out = held.pass(put(5, "!"))
  expect(applied("They: Hello", out)).toBe("They: Hello!")
  expect(held.carry(6)).toBe(12)
})

test("several batches wait in their order, each behind what is typed meanwhile", () => {
  const held = new Held()
  let [shown, whole] = ["abc", "abc"]
  const others = (changes: TextChange[]): void => {
    whole = applied(whole, changes)
    held.hold(changes)
  }
  const type = (changes: TextChange[]): void => {
    shown = applied(shown, changes)
    whole = applied(whole, held.pass(changes))
  }
  others(put(0, "1"))
  type(put(3, "x"))
  others(put(1, "2"))
  type(put(4, "y"))
  expect(shown).toBe("abcxy")
  expect(whole).toBe("12abcxy")
})

test("a change within what the other deletes keeps what is inserted", () => {
  expect(applied("ad", behind(put(2, "X"), put(1, "", 2)))).toBe("aXd")
})
