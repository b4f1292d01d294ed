// One person at the editor, mostly with the keyboard alone.
import assert from "node:assert/strict"
import { beforeEach, test } from "node:test"
import { block, until } from "./world/people.mjs"
import { scene } from "./world/scene.mjs"

const { hub, person, opened } = await scene()
let ann

beforeEach(async () => (ann = await person("Ann Lee", { permissions: ["clipboard-read", "clipboard-write"] })))

test("a project is created with the keyboard alone, written in, and found again on the start page", async () => {
  await ann.page.goto(hub.url)
  await ann.page.getByLabel("Title").waitFor()
  await ann.type("Summer")
  await ann.press("Enter")
  await ann.shows(["text: "])
  await ann.page.getByRole("textbox", { name: "Title" }).focus()
  await ann.press("Enter")
  await ann.type("We go")
  await ann.isSaved()
  await ann.page.getByRole("link", { name: "BlockHub, start page" }).click()
  await ann.page.getByRole("link", { name: "Summer" }).click()
  await ann.shows(["text: We go"])
})

test("signs at the start of a line make it another kind, and typing goes on in it", async () => {
  await opened(block("text", ""))
  await ann.enter(0)
  for (const line of ["# One", "## Two", "### Three", "> Four"]) {
    await ann.type(line)
    await ann.press("Enter")
  }
  await ann.type("- Five")
  await ann.press("Enter", "Enter")
  await ann.type("1. Six")
  await ann.press("Enter", "Enter")
  await ann.type("[x] Seven")
  await ann.press("Enter", "Enter")
  await ann.type("---```let a")
  await ann.press("Enter")
  await ann.type("let b")
  await ann.shows(["heading1: One", "heading2: Two", "heading3: Three", "quote: Four", "bulleted: Five", "numbered: Six", "todo: Seven", "divider", "code: let a\nlet b"])
  await ann.isSaved()
})

test("the insert menu is opened by a slash, narrowed by typing, and taken by Enter", async () => {
  await opened(block("text", "Before"))
  await ann.enter(0)
  await ann.press("Enter")
  await ann.type("/head")
  const menu = ann.page.getByRole("listbox", { name: "Insert" })
  assert.equal(await menu.getByRole("option").count(), 3)
  await ann.press("ArrowDown")
  assert.match(await menu.locator('[aria-selected="true"]').textContent(), /Heading 2/)
  await ann.press("Enter")
  await ann.type("Made")
  await ann.shows(["text: Before", "heading2: Made"])
  await ann.type(" and/or")
  assert.equal(await menu.count(), 0, "a slash inside a word opens nothing")
  await ann.press("Enter")
  await ann.type("/")
  await ann.press("Escape")
  await ann.type("path")
  await ann.shows(["text: Before", "heading2: Made and/or", "text: /path"])
})

test("Enter splits a block and Backspace joins two, with the caret where it was", async () => {
  const project = await opened(block("text", "OneTwo"))
  await ann.enter(0, 3)
  await ann.press("Enter")
  await ann.shows(["text: One", "text: Two"])
  assert.deepEqual(await ann.caret(), { text: "Two", at: 0 })
  await ann.press("Backspace")
  await ann.shows(["text: OneTwo"])
  assert.deepEqual(await ann.caret(), { text: "OneTwo", at: 3 })
  await ann.press("Enter", "ArrowLeft", "Delete")
  await ann.shows(["text: OneTwo"])
  await until(async () => assert.deepEqual(await hub.texts(project), ["OneTwo"]))
})

test("Tab puts a block under the one above, Shift+Tab takes it out, and the caret stays", async () => {
  await opened(block("bulleted", "One"), block("bulleted", "Two"), block("bulleted", "Three"))
  await ann.enter(1, 1)
  await ann.press("Tab")
  await ann.shows(["bulleted: One", "  bulleted: Two", "bulleted: Three"])
  assert.deepEqual(await ann.caret(), { text: "Two", at: 1 })
  await ann.press("Shift+Tab")
  await ann.shows(["bulleted: One", "bulleted: Two", "bulleted: Three"])
  assert.deepEqual(await ann.caret(), { text: "Two", at: 1 })
})

test("Alt and an arrow move a block with the caret in it", async () => {
  await opened(block("text", "One"), block("text", "Two"), block("text", "Three"))
  await ann.enter(2, 2)
  await ann.press("Alt+ArrowUp", "Alt+ArrowUp")
  await ann.shows(["text: Three", "text: One", "text: Two"])
  assert.deepEqual(await ann.caret(), { text: "Three", at: 2 })
  await ann.press("Alt+ArrowDown")
  await ann.shows(["text: One", "text: Three", "text: Two"])
  assert.deepEqual(await ann.caret(), { text: "Three", at: 2 })
})

test("arrows go from block to block, through lines that wrap and past a divider", async () => {
  await opened(block("text", "First line"), { kind: "divider", content: {} }, block("text", "words ".repeat(60)), block("text", "Last"))
  await ann.enter(0, 5)
  await ann.press("ArrowDown")
  assert.equal(await ann.page.evaluate(() => document.activeElement.getAttribute("aria-label")), "Divider")
  await ann.press("ArrowDown", "ArrowDown")
  assert.match((await ann.caret()).text, /^words/)
  for (let line = 0; line < 8; line += 1) await ann.press("ArrowDown")
  assert.equal((await ann.caret()).text, "Last")
  await ann.press("Home", "ArrowLeft")
  assert.deepEqual(await ann.caret(), { text: "words ".repeat(60), at: 360 })
})

test("arrows go from line to line in code, empty ones too, before they leave it", async () => {
  await opened(block("text", "Over"), block("code", "ab\n\ncd\n"), block("text", "Under"))
  await ann.enter(1, 1)
  for (const [key, at] of [["ArrowDown", 3], ["ArrowDown", 5], ["ArrowDown", 7], ["ArrowUp", 5]]) {
    await ann.press(key)
    assert.deepEqual(await ann.caret(), { text: "ab\n\ncd\n", at })
  }
  await ann.press("ArrowDown", "ArrowDown")
  assert.equal((await ann.caret()).text, "Under")
  await ann.press("ArrowUp")
  assert.equal((await ann.caret()).at, 7)
  await ann.enter(1, 2)
  await ann.press("ArrowUp")
  assert.equal((await ann.caret()).text, "Over")
})

test("undo takes back a run of typing at once, redo brings it again", async () => {
  await opened(block("text", "Start"))
  await ann.enter(0)
  await ann.type(" and more")
  await ann.isSaved()
  await ann.press("Control+z")
  await ann.shows(["text: Start"])
  await ann.press("Control+Shift+z")
  await ann.shows(["text: Start and more"])
})

test("what a sign did is undone first, then the sign, and the keyboard stays in the line", async () => {
  await opened(block("text", "Over"), block("text", ""), block("text", "Under"))
  await ann.enter(1)
  await ann.type("# ")
  await ann.shows(["text: Over", "heading1: ", "text: Under"])
  await ann.isSaved()
  await ann.press("Control+z")
  await ann.shows(["text: Over", "text: # ", "text: Under"])
  await ann.press("Control+z")
  await ann.shows(["text: Over", "text: ", "text: Under"])
  await ann.type("x")
  await ann.shows(["text: Over", "text: x", "text: Under"])
})

test("the browser's own undo, as a menu has it, takes back one's own edits and not the others'", async () => {
  await opened(block("text", "Start"))
  const bob = await person("Bob")
  await bob.page.goto(ann.page.url())
  await ann.enter(0)
  await ann.type(" mine")
  await ann.isSaved()
  await bob.enter(0, 0)
  await bob.type("Bob: ")
  await ann.shows(["text: Bob: Start mine"])
  const keys = await ann.page.context().newCDPSession(ann.page)
  await keys.send("Input.dispatchKeyEvent", { type: "rawKeyDown", commands: ["undo"] })
  await ann.shows(["text: Bob: Start"])
})

test("a to-do is ticked by hand and by key, and stays ticked", async () => {
  const project = await opened(block("todo", "One", { done: false }), block("todo", "Two", { done: false }))
  await ann.page.getByRole("checkbox", { name: "Done" }).first().check()
  await ann.enter(1)
  await ann.press("Control+Enter")
  await ann.isSaved()
  await ann.open(hub.url, project)
  assert.deepEqual(await ann.page.getByRole("checkbox", { name: "Done" }).evaluateAll(boxes => boxes.map(box => box.checked)), [true, true])
})

test("a handle drags a block to another place, and under another", async () => {
  await opened(block("text", "One"), block("text", "Two"), block("text", "Three"))
  const drag = async (from, to, x, y) => {
    const line = ann.page.locator(".line").nth(from)
    await line.hover()
    const grip = await line.locator(".grip").boundingBox()
    await ann.page.mouse.move(grip.x + 8, grip.y + 8)
    await ann.page.mouse.down()
    const target = await ann.page.locator(".line").nth(to).boundingBox()
    await ann.page.mouse.move(target.x + x, target.y + target.height * y, { steps: 5 })
    await ann.page.mouse.up()
  }
  await drag(2, 0, 40, 0.1)
  await ann.shows(["text: Three", "text: One", "text: Two"])
  await drag(2, 0, 200, 0.9)
  await ann.shows(["text: Three", "  text: Two", "text: One"])
})

test("a block's menu is worked by keys: Escape leads to the handle, Enter opens it", async () => {
  await opened(block("text", "One"), block("text", "Two"))
  await ann.enter(1)
  await ann.press("Escape", "Enter")
  await ann.page.getByRole("menu", { name: "This block" }).waitFor()
  await ann.type("quo")
  await ann.press("Home", "ArrowDown", "Escape")
  assert.match(await ann.page.evaluate(() => document.activeElement.getAttribute("aria-label")), /^Move or change: Text/)
  await ann.press("Enter", "q", "Enter")
  await ann.shows(["text: One", "quote: Two"])
})

test("lines that are pasted become blocks", async () => {
  await opened(block("text", ""))
  await ann.page.evaluate(() => navigator.clipboard.writeText("# Head\n\n- point\n[x] done\nplain"))
  await ann.enter(0)
  await ann.press("Control+v")
  await ann.shows(["heading1: Head", "bulleted: point", "todo: done", "text: plain"])
  assert.deepEqual(await ann.caret(), { text: "plain", at: 5 })
})

test("an image is shown by its address, and only by one that is safe", async () => {
  await opened(block("text", ""))
  await ann.enter(0)
  await ann.type("/image")
  await ann.press("Enter")
  await ann.page.getByLabel("Address of the image").fill("javascript:alert(1)")
  await ann.page.getByRole("button", { name: "Show" }).click()
  await ann.page.getByRole("alert").waitFor()
  assert.equal(await ann.page.locator("figure img").count(), 0)
  const dot = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
  await ann.page.getByLabel("Address of the image").fill(dot)
  await ann.page.getByLabel("What it shows").fill("A dot")
  await ann.page.getByRole("button", { name: "Show" }).click()
  await ann.page.getByRole("img", { name: "A dot" }).waitFor()
  await ann.isSaved()
})

test("what is written is text, whatever it looks like", async () => {
  const evil = `<img src=x onerror="document.title='hacked'"><script>document.title='hacked'</script>`
  const project = await hub.project(evil, [block("text", evil), { kind: "image", content: { url: "javascript:alert(1)", alt: evil } }, block("strange<kind>", evil)])
  await ann.open(hub.url, project)
  assert.deepEqual(await ann.texts(), [evil, evil])
  assert.equal(await ann.page.locator("main img, main script").count(), 0)
  assert.ok(!(await ann.page.title()).startsWith("hacked"))
})

test("a word that is being composed is not disturbed, and is saved", async () => {
  const project = await opened(block("text", "Say "))
  await ann.enter(0)
  const keys = await ann.page.context().newCDPSession(ann.page)
  await keys.send("Input.imeSetComposition", { text: "に", selectionStart: 1, selectionEnd: 1 })
  await keys.send("Input.imeSetComposition", { text: "にほ", selectionStart: 2, selectionEnd: 2 })
  await keys.send("Input.insertText", { text: "日本" })
  await ann.shows(["text: Say 日本"])
  await until(async () => assert.deepEqual(await hub.texts(project), ["Say 日本"]))
})
