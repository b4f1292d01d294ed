// The history: looking back changes nothing, and going back is one step.
import assert from "node:assert/strict"
import { beforeEach, test } from "node:test"
import { block, until } from "./world/people.mjs"
import { scene } from "./world/scene.mjs"

const { hub, person, opened } = await scene()
let ann, bob

beforeEach(async () => ([ann, bob] = [await person("Ann Lee"), await person("Bob")]))

const asItWas = person => person.page.getByLabel("The document as it was").locator(".row .read").allTextContents()
const slider = person => person.page.getByRole("slider")

/** A project with a past: written by Bob, then by Ann. */
const lived = async () => {
  const project = await opened(block("text", "One"), block("text", "Two"))
  await bob.enter(1)
  await bob.press("Control+Shift+Backspace")
  await ann.shows(["text: One"])
  await ann.enter(0)
  await ann.type(" more")
  await ann.isSaved()
  await bob.shows(["text: One more"])
  await ann.page.getByRole("button", { name: "History" }).click()
  await slider(ann).waitFor()
  return project
}

test("hi1_the_slider_shows_the_document_as_it_was_and_who_did_what", async () => {
  await lived()
  await until(async () => assert.deepEqual(await asItWas(ann), ["One more"]))
  await slider(ann).press("Home")
  await until(async () => assert.deepEqual(await asItWas(ann), ["One", "Two"]))
  assert.match(await slider(ann).getAttribute("aria-valuetext"), /maker added 2 blocks/)
  await slider(ann).press("ArrowRight")
  await until(async () => assert.deepEqual(await asItWas(ann), ["One"]))
  await until(async () => assert.match(await slider(ann).getAttribute("aria-valuetext"), /Bob deleted a block/))
  const runs = ann.page.getByRole("list", { name: "Who did what, newest first" })
  assert.match((await runs.getByRole("listitem").allTextContents()).join("\n"), /Ann Lee wrote in a block.*\n.*Bob deleted a block.*\n.*maker added 2 blocks/)
})

test("looking back leaves the project as it is, and others write on", async () => {
  const project = await lived()
  await slider(ann).press("Home")
  await bob.enter(0)
  await bob.type("!")
  await until(async () => assert.deepEqual(await hub.texts(project), ["One more!"]))
  await ann.page.getByRole("button", { name: "Back to now" }).click()
  await ann.shows(["text: One more!"])
})

test("hi2_restore_brings_the_document_back_for_everybody_and_can_itself_be_undone", async () => {
  const project = await lived()
  await slider(ann).press("Home")
  await until(async () => assert.deepEqual(await asItWas(ann), ["One", "Two"]))
  await ann.page.getByRole("button", { name: "Restore this" }).click()
  for (const person of [ann, bob]) await person.shows(["text: One", "text: Two"])
  assert.deepEqual(await hub.texts(project), ["One", "Two"])
  await ann.enter(0)
  await ann.press("Control+z")
  await bob.shows(["text: One more"])
})

test("a line of the history leads to its time", async () => {
  await lived()
  await ann.page.getByRole("button", { name: /maker added 2 blocks/ }).click()
  await until(async () => assert.deepEqual(await asItWas(ann), ["One", "Two"]))
  await ann.press("Escape")
  await ann.shows(["text: One more"])
})
