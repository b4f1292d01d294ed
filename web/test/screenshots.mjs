// Pictures of the page's main states, for the README: `npm run screenshots -w @blockhub/web` writes docs/screenshots/*.png.
//
// Promises: taken from the real page on a real hub; at most `BYTES_MAX` each.
// Must never: show what the page cannot do.
import assert from "node:assert/strict"
import { mkdirSync, statSync } from "node:fs"
import { join } from "node:path"
import { Cable } from "./world/cable.mjs"
import { Hub } from "./world/hub.mjs"
import { block, Browser, until } from "./world/people.mjs"

const FOLDER = join(import.meta.dirname, "../../docs/screenshots")
const BYTES_MAX = 200 * 1024
const SIZE = { width: 1180, height: 800 }

const PLAN = [
  block("text", "Six of us, two cars, twelve days. Everybody adds what they know, and whoever is free books it."),
  block("heading2", "Before we leave"),
  block("todo", "Book the ferry for Saturday morning", { done: true }),
  block("todo", "Ask Cleo’s aunt about the big tent", { done: false }),
  block("todo", "Look up when the lake path opens", { done: false }),
  block("heading2", "The route"),
  block("numbered", "Harbour at eight, ferry at nine"),
  block("numbered", "Lunch by the lake, then up to the hut"),
  block("numbered", "Down again by the north side"),
  block("quote", "Pack half of it. Then halve that."),
  block("code", "const kilos = people * 12\nif (kilos > 60) leave(\"the second stove\")", { language: "javascript" }),
  block("text", ""),
]

async function shot(person, name, options = {}) {
  const path = join(FOLDER, `${name}.png`)
  await person.page.screenshot({ path, ...options })
  assert.ok(statSync(path).size <= BYTES_MAX, `${name} is ${statSync(path).size} bytes`)
}

/** Ann at the project, with Bob and Cleo in it. */
async function together({ hub, browser }) {
  const project = await hub.project("Summer in the hills", PLAN, "ann-lee")
  const [ann, bob, cleo] = await Promise.all(["Ann Lee", "Bob Hill", "Cleo"].map(name => browser.person(name, { viewport: SIZE })))
  for (const person of [ann, bob, cleo]) await person.open(hub.url, project)
  return { project, ann, bob, cleo }
}

/** A page with the carets of the others, at places where they were not, so that their names are shown. */
async function withCarets(person, { bob, cleo }, { at, word }) {
  await bob.enter(3, at)
  await cleo.enter(0, PLAN[0].content.text.indexOf(word))
  for (const _letter of word) await cleo.press("Shift+ArrowRight")
  await person.page.locator(".selected").getByText(word, { exact: true }).waitFor()
  await until(async () => assert.equal(await person.page.locator(".caret-fresh").count(), 2))
}

async function editor(stage) {
  const people = await together(stage)
  await people.ann.enter(7)
  await withCarets(people.ann, people, { at: 20, word: "Everybody" })
  await shot(people.ann, "editor")
  await people.ann.page.emulateMedia({ colorScheme: "dark" })
  await people.ann.enter(-1)
  await people.ann.type("/li")
  await people.ann.page.getByRole("listbox").waitFor()
  await withCarets(people.ann, people, { at: 8, word: "twelve days" })
  await shot(people.ann, "dark")
  await people.ann.press("Escape", "Backspace", "Backspace", "Backspace")
  return people
}

async function past({ project, ann, bob }, { hub }) {
  await ann.page.emulateMedia({ colorScheme: "light" })
  await bob.enter(4)
  await bob.type(": 1 June")
  await bob.isSaved()
  await ann.page.getByRole("checkbox").nth(1).check()
  await ann.isSaved()
  await ann.open(hub.url, project)
  await ann.page.getByRole("button", { name: "History" }).click()
  await ann.page.getByRole("slider").press("ArrowLeft")
  await ann.page.locator(".past [data-changed]").waitFor()
  await until(async () => assert.match(await ann.page.locator(".said").textContent(), /wrote in/))
  await shot(ann, "history")
}

async function start({ hub, browser }) {
  const dora = await browser.person("Dora", { viewport: SIZE })
  for (const title of ["Shopping for Friday", "Choir, minutes of the meeting", "Summer in the hills"]) await dora.open(hub.url, await hub.project(title, PLAN))
  await dora.page.goto(hub.url)
  await dora.page.getByRole("link", { name: "Summer in the hills" }).waitFor()
  await shot(dora, "start", { fullPage: true })
}

async function trouble({ hub, browser }) {
  const cable = await Cable.to(hub.port)
  const project = await hub.project("Summer in the hills", PLAN, "ann-lee")
  const [ann, bob] = await Promise.all(["Ann Lee", "Bob Hill"].map(name => browser.person(name, { viewport: SIZE })))
  await ann.open(cable.url, project)
  await bob.open(hub.url, project)
  cable.cut()
  await ann.page.locator(".banner.offline").waitFor()
  await ann.enter(8)
  await ann.type(", slowly")
  await ann.page.getByLabel("Language").fill("typescript")
  await ann.press("Enter")
  await ann.page.getByText(/not saved since/).first().waitFor()
  await shot(ann, "offline")
  await bob.page.getByLabel("Language").fill("rust")
  await bob.press("Enter")
  await bob.isSaved()
  cable.mend()
  await ann.reconnects()
  await ann.page.getByRole("dialog").waitFor()
  await shot(ann, "conflict")
  await cable.close()
}

async function phone({ hub, browser }, people) {
  const dora = await browser.person("Dora", { viewport: { width: 390, height: 780 }, deviceScaleFactor: 1.5, hasTouch: true, isMobile: true })
  await dora.open(hub.url, people.project)
  await dora.field(4).tap()
  await withCarets(dora, people, { at: 14, word: "two cars" })
  await shot(dora, "phone")
}

mkdirSync(FOLDER, { recursive: true })
const stage = { hub: await Hub.start(), browser: await Browser.start() }
await start(stage)
const people = await editor(stage)
await phone(stage, people)
await past(people, stage)
await trouble(stage)
await stage.browser.close()
await stage.hub.close()
