// What each command makes of a project.

import { describe, expect, test } from "vitest"
import * as commands from "../../src/editor/commands"
import { placeFor, type Over } from "../../src/editor/drag"
import * as tree from "../../src/editor/tree"
import { Sheet } from "./sheet"

/** A command's sheet before and after, and that it was one edit. */
function check(before: readonly string[], command: (sheet: Sheet) => unknown, after: readonly string[]): void {
  const sheet = new Sheet(...before)
  command(sheet)
  expect(sheet.lines()).toEqual(after)
}

const on = (id: string, command: (project: ReturnType<Sheet["asProject"]>, block: NonNullable<ReturnType<Sheet["block"]>>) => unknown) => (sheet: Sheet): unknown =>
  command(sheet.asProject(), sheet.block(id)!)

describe("split", () => {
  test("what is behind the caret goes into a new block, of the same kind in lists only", () => {
    check(["todo: OneTwo"], on("OneTwo", (project, block) => commands.split(project, block, 3, 3)), ["todo: One", "todo: Two"])
    check(["heading1: OneTwo"], on("OneTwo", (project, block) => commands.split(project, block, 3, 3)), ["heading1: One", "text: Two"])
  })
  test("what is selected goes", () => check(["text: abcdef"], on("abcdef", (project, block) => commands.split(project, block, 2, 4)), ["text: ab", "text: ef"]))
  test("a block with others under it gets the new one as their first", () =>
    check(["bulleted: ab", "  bulleted: c"], on("ab", (project, block) => commands.split(project, block, 1, 1)), ["bulleted: a", "  bulleted: b", "  bulleted: c"]))
  test("at the start, an empty line comes before", () => check(["heading1: a"], on("a", (project, block) => commands.split(project, block, 0, 0)), ["text: ", "heading1: a"]))
  test("it is one edit", () => {
    const sheet = new Sheet("text: ab")
    commands.split(sheet.asProject(), sheet.block("ab")!, 1, 1)
    expect(sheet.edits).toBe(1)
  })
})

describe("backspace at the start", () => {
  test("first the kind goes, then the indent, then it joins the line before with all under it", () => {
    check(["text: a", "todo: b"], on("b", commands.backspace), ["text: a", "text: b"])
    check(["text: a", "  text: b"], on("b", commands.backspace), ["text: a", "text: b"])
    check(["text: a", "  text: x", "text: b", "  text: y"], on("b", commands.backspace), ["text: a", "  text: xb", "    text: y"])
  })
  test("a divider before it goes", () => check(["divider", "text: a"], on("a", commands.backspace), ["text: a"]))
  test("the very first line stays", () => check(["text: a"], on("a", commands.backspace), ["text: a"]))
})

test("delete at the end takes in the next line, whose children come along", () =>
  check(["text: a", "text: b", "  text: c"], on("a", commands.forwardDelete), ["text: ab", "  text: c"]))

test("another kind keeps the text, the place and what is under it", () =>
  check(["text: a", "text: b", "  text: c", "text: d"], on("b", (project, block) => commands.convert(project, block, "todo")), ["text: a", "todo: b", "  text: c", "text: d"]))

test("more than a hundred ops are several edits", () => {
  const sheet = new Sheet("text: a", ...Array.from({ length: 150 }, (_, n) => `  text: c${n}`))
  commands.convert(sheet.asProject(), sheet.block("a")!, "quote")
  expect(sheet.edits).toBe(2)
  expect(sheet.lines()[0]).toBe("quote: a")
  expect(sheet.lines()).toHaveLength(151)
})

describe("places", () => {
  const lines = ["text: a", "  text: b", "  text: c", "text: d"]
  const moved = (id: string, place: typeof tree.up) => on(id, (project, block) => commands.shift(project, block, place(project, block)))
  test("up and down go past siblings, and out of the parent at its ends", () => {
    check(lines, moved("c", tree.up), ["text: a", "  text: c", "  text: b", "text: d"])
    check(lines, moved("b", tree.up), ["text: b", "text: a", "  text: c", "text: d"])
    check(lines, moved("c", tree.down), ["text: a", "  text: b", "text: c", "text: d"])
    check(lines, moved("a", tree.up), lines)
    check(lines, moved("d", tree.down), lines)
  })
  test("indent puts it under the one above, outdent behind its parent", () => {
    check(lines, on("d", commands.indent), ["text: a", "  text: b", "  text: c", "  text: d"])
    check(lines, on("b", commands.outdent), ["text: a", "  text: c", "text: b", "text: d"])
    check(lines, on("a", commands.indent), lines)
  })
  test("the way of reading goes down into children and up out of them", () => {
    const sheet = new Sheet(...lines)
    const names = ["a", "b", "c", "d"]
    names.forEach((name, at) => {
      expect(tree.next(sheet, sheet.block(name)!)?.id).toBe(names[at + 1])
      expect(tree.previous(sheet, sheet.block(name)!)?.id).toBe(names[at - 1])
    })
  })
})

describe("dragging", () => {
  const place = (dragged: string, over: Over): unknown => placeFor(new Sheet("text: a", "  text: b", "text: c"), dragged, over)
  test("over the upper half it goes before, over the lower behind", () => {
    expect(place("c", { block: "a", half: "upper", inset: "beside" })).toEqual({ parent: null, after: null })
    expect(place("b", { block: "c", half: "lower", inset: "beside" })).toEqual({ parent: null, after: "c" })
  })
  test("far to the right, or over a block with children, it goes under", () => {
    expect(place("b", { block: "c", half: "lower", inset: "under" })).toEqual({ parent: "c", after: null })
    expect(place("c", { block: "a", half: "lower", inset: "beside" })).toEqual({ parent: "a", after: null })
  })
  test("never into itself", () => expect(place("a", { block: "b", half: "lower", inset: "under" })).toBeNull())
})

test("lines that are pasted stand behind, and the rest of the line goes to the last", () =>
  check(
    ["text: ab"],
    on("ab", (project, block) => commands.paste(project, block, { at: 1, end: 1 }, [{ kind: "todo", content: { text: "x", done: true } }, { kind: "text", content: { text: "y" } }], "1")),
    ["text: a1", "todo: x", "text: yb"],
  ))
