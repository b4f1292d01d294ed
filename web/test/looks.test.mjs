// How the page looks and sounds: phone, dark, labels, contrast, no foreign requests, a strict policy.
import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { test } from "node:test"
import { block } from "./world/people.mjs"
import { scene } from "./world/scene.mjs"

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8")
const PHONE = { viewport: { width: 375, height: 740 }, hasTouch: true, isMobile: true }

const { hub, person } = await scene()
const project = await hub.project("A plan for the summer", [
  block("heading1", "Head"), block("text", "Some words"), block("todo", "Tick", { done: true }), block("todo", "Not yet", { done: false }),
  block("bulleted", "Point"), block("numbered", "First"), block("quote", "Said"), block("code", "let a = 1", { language: "rust" }),
  { kind: "divider", content: {} }, { kind: "image", content: { url: "", alt: "" } }, block("text", ""),
])

/** What axe finds wrong with the page as it is shown now, in words. */
const faults = async ({ page }) => {
  const run = { expression: `${AXE}\naxe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }).then(found => JSON.stringify(found.violations))`, awaitPromise: true, returnByValue: true }
  const tools = await page.context().newCDPSession(page)
  const { result, exceptionDetails } = await tools.send("Runtime.evaluate", run)
  assert.equal(exceptionDetails, undefined)
  return JSON.parse(result.value).flatMap(rule => rule.nodes.map(node => `${rule.id}: ${node.target.join(" ")} ${node.failureSummary}`))
}

for (const colorScheme of ["light", "dark"]) {
  test(`labels, roles and contrast are right everywhere, ${colorScheme}`, async () => {
    const ann = await person("Ann Lee", { colorScheme })
    const bob = await person("Bob")
    await ann.page.goto(hub.url)
    await ann.page.getByLabel("Title").waitFor()
    assert.deepEqual(await faults(ann), [])
    await ann.open(hub.url, project)
    await bob.open(hub.url, project)
    await bob.enter(1, 4)
    await ann.page.locator(".caret").waitFor({ state: "attached" })
    assert.deepEqual(await faults(ann), [])
    await ann.enter(-1)
    await ann.type("/")
    await ann.page.getByRole("listbox").waitFor()
    assert.deepEqual(await faults(ann), [])
    await ann.press("Escape", "Backspace", "Escape", "Enter")
    await ann.page.getByRole("menu").waitFor()
    assert.deepEqual(await faults(ann), [])
    await ann.press("Escape")
    await ann.page.getByRole("button", { name: "Share" }).click()
    assert.deepEqual(await faults(ann), [])
    await ann.press("Escape")
    await ann.page.getByRole("button", { name: "History" }).click()
    await ann.page.locator(".past .row").first().waitFor()
    assert.deepEqual(await faults(ann), [])
  })
}

test("on a phone nothing is wider than the screen, and buttons for the thumb do what keys do elsewhere", async () => {
  const ann = await person("Ann Lee", PHONE)
  const own = await hub.project("On the way", [block("text", "One"), block("text", "a".repeat(200)), block("text", "Two")])
  await ann.open(hub.url, own)
  const overflow = () => ann.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
  assert.equal(await overflow(), 0)
  await ann.field(2).tap()
  const bar = ann.page.getByRole("toolbar", { name: "Block" })
  await bar.getByRole("button", { name: "Move up" }).tap()
  await bar.getByRole("button", { name: "Indent" }).tap()
  await ann.shows(["text: One", "  text: Two", `text: ${"a".repeat(200)}`])
  await bar.getByRole("button", { name: "Insert" }).tap()
  await ann.page.getByRole("option", { name: /To-do/ }).tap()
  await ann.type("thing")
  await ann.shows(["text: One", "  text: Two ", "  todo: thing", `text: ${"a".repeat(200)}`])
  await ann.page.getByRole("button", { name: "History" }).tap()
  await ann.page.locator(".past .row").first().waitFor()
  assert.equal(await overflow(), 0)
  assert.deepEqual(await faults(ann), [])
})

test("a finger drags a block by its handle", async () => {
  const ann = await person("Ann Lee", PHONE)
  const own = await hub.project("By hand", [block("text", "One"), block("text", "Two"), block("text", "Three")])
  await ann.open(hub.url, own)
  const centre = async n => {
    const { x, y, height } = await ann.page.locator(".line").nth(n).boundingBox()
    return { x: x + 12, y: y + height / 2 }
  }
  const touch = await ann.context.newCDPSession(ann.page)
  const [from, to] = [await centre(2), await centre(0)]
  const send = (type, at) => touch.send("Input.dispatchTouchEvent", { type, touchPoints: at ? [at] : [] })
  await send("touchStart", from)
  await send("touchMove", { x: from.x, y: from.y - 20 })
  await send("touchMove", { x: to.x, y: to.y - 8 })
  await send("touchEnd")
  await ann.shows(["text: Three", "text: One", "text: Two"])
})

test("light or dark is as the system says, until one chooses, and then it stays", async () => {
  const ann = await person("Ann Lee", { colorScheme: "dark" })
  const ground = () => ann.page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor)
  await ann.open(hub.url, project)
  assert.equal(await ground(), "rgb(22, 24, 26)")
  await ann.page.getByRole("button", { name: "Colours: system. Change to light" }).click()
  assert.equal(await ground(), "rgb(250, 249, 246)")
  await ann.page.reload()
  await ann.page.getByRole("button", { name: "Colours: light. Change to dark" }).waitFor()
  assert.equal(await ground(), "rgb(250, 249, 246)")
})

test("the page asks nobody but its own hub for anything, and its policy allows nothing inline", async () => {
  const ann = await person("Ann Lee")
  const asked = new Set()
  ann.page.on("request", request => asked.add(new URL(request.url()).origin))
  const answer = await ann.page.goto(`${hub.url}/p/${project}`)
  await ann.page.locator(".document").waitFor()
  assert.deepEqual([...asked], [hub.url])
  const policy = answer.headers()["content-security-policy"]
  assert.match(policy, /script-src 'self'/)
  assert.doesNotMatch(policy, /unsafe/)
  const html = await answer.text()
  assert.doesNotMatch(html, /<script(?![^>]*src=)|<style| style=| on[a-z]+=/i)
})

test("the whole page is reached with Tab, in the order in which it is read", async () => {
  const ann = await person("Ann Lee")
  await ann.open(hub.url, await hub.project("Keys", [block("text", "One")], "ann-lee"))
  const names = []
  for (let step = 0; step < 9; step += 1) {
    await ann.press("Tab")
    names.push(await ann.page.evaluate(() => document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent))
  }
  const expected = [/^To the document/, /^BlockHub/, /^Ann Lee \(you\)/, /^History/, /^Share/, /^Colours/, /^Title/, /^Text/]
  expected.forEach((name, at) => assert.match(names[at], name))
  const outlined = await ann.page.getByRole("button", { name: "Share" }).evaluate(button => (button.focus({ focusVisible: true }), getComputedStyle(button).outlineStyle))
  assert.equal(outlined, "solid")
})
