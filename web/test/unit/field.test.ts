// A block's text field, on a project that takes or refuses what is typed.

import { expect, test } from "vitest"
import type { Project } from "@blockhub/client"
import { Editor } from "../../src/editor/editor"
import { Field } from "../../src/editor/field"

/** A project of one block, whose edits end as `outcome` says and never change it. */
function projectThat(outcome: Promise<{ seq: number }>): Project {
  const block = { id: "one", kind: "text", parent: null, position: "a0", content: { text: "ab" }, version: 1 }
  const off = (): void => {}
  const made = { block: () => block, onText: () => off, on: () => off, members: [], text: () => ({ saved: outcome }) }
  return made as unknown as Project
}

test("what_is_refused_does_not_stay_in_the_field", async () => {
  const refused = Promise.reject(new Error("refused"))
  const area = document.createElement("textarea")
  const field = new Field(new Editor(projectThat(refused)), "one", area, document.createElement("div"))
  area.value = "abc"
  field.typed()
  await refused.catch(() => {})
  await Promise.resolve()
  expect([area.value, field.value]).toEqual(["ab", "ab"])
})
