// Two people in one project: letters, carets, conflicts.
import assert from "node:assert/strict"
import { beforeEach, test } from "node:test"
import { Cable } from "./world/cable.mjs"
import { block, until } from "./world/people.mjs"
import { scene } from "./world/scene.mjs"

const { hub, person, opened } = await scene()
let ann, bob

beforeEach(async () => ([ann, bob] = [await person("Ann Lee"), await person("Bob")]))

/** The place in the text at which a page shows somebody's caret. */
const caretOf = (person, name) => person.page.evaluate(wanted => {
  const flag = document.querySelector(`.caret[data-name="${wanted}"]`)
  if (!flag) return null
  const range = document.createRange()
  range.setStart(flag.closest(".mirror"), 0)
  range.setEndBefore(flag)
  return range.toString().length
}, name)

test("what one does the other sees: text, kinds, moves, deletions", async () => {
  await opened(block("text", "One"), block("text", "Two"))
  await ann.enter(0)
  await ann.type(" more")
  await bob.shows(["text: One more", "text: Two"])
  await ann.press("Enter")
  await ann.type("# New")
  await bob.shows(["text: One more", "heading1: New", "text: Two"])
  await bob.enter(2)
  await bob.press("Alt+ArrowUp", "Alt+ArrowUp")
  await ann.shows(["text: Two", "text: One more", "heading1: New"])
  await bob.press("Control+Shift+Backspace")
  await ann.shows(["text: One more", "heading1: New"])
})

test("ed12_two_people_type_in_one_paragraph_and_both_keep_their_place", async () => {
  const project = await opened(block("text", "<>"))
  await ann.enter(0, 1)
  await bob.enter(0, 2)
  const typeSlowly = (person, text) => person.page.keyboard.type(text, { delay: 25 })
  await Promise.all([typeSlowly(ann, "the quick brown fox jumps"), typeSlowly(bob, "over the lazy dog again")])
  const whole = "<the quick brown fox jumps>over the lazy dog again"
  await ann.shows([`text: ${whole}`])
  await bob.shows([`text: ${whole}`])
  assert.deepEqual(await ann.caret(), { text: whole, at: 26 })
  assert.deepEqual(await bob.caret(), { text: whole, at: whole.length })
  await until(async () => assert.deepEqual(await hub.texts(project), [whole]))
})

test("ed13_a_caret_stays_beside_its_letter_when_others_type_before_it", async () => {
  await opened(block("text", "middle end"))
  await bob.enter(0, 7)
  await ann.enter(0, 0)
  await ann.type("start ")
  await bob.shows(["text: start middle end"])
  assert.equal((await bob.caret()).at, 13)
  await bob.type("THE ")
  await ann.shows(["text: start middle THE end"])
  assert.equal((await ann.caret()).at, 6)
})

test("pr1_the_others_carets_and_names_stand_in_the_text_and_move_with_it", async () => {
  await opened(block("text", "Hello everybody"), block("text", "Second"))
  await bob.enter(0, 5)
  await until(async () => assert.equal(await caretOf(ann, "Bob"), 5))
  await ann.enter(0, 0)
  await ann.type("Oh! ")
  await until(async () => assert.equal(await caretOf(ann, "Bob"), 9))
  await bob.type(" dear")
  await until(async () => assert.equal(await caretOf(ann, "Bob"), 14))
  await bob.press("Shift+ArrowRight", "Shift+ArrowRight")
  await ann.page.locator(".selected").waitFor()
  await bob.enter(1, 3)
  await until(async () => assert.equal(await caretOf(ann, "Bob"), 3))
})

test("pr2_who_comes_and_goes_is_shown", async () => {
  const project = await opened(block("text", "One"))
  const here = person => person.page.getByRole("list", { name: "Who is here" }).getByRole("button").evaluateAll(all => all.map(each => each.getAttribute("title")))
  await until(async () => assert.deepEqual(await here(ann), ["Ann Lee (you)", "Bob"]))
  await bob.page.goto(hub.url)
  await until(async () => assert.deepEqual(await here(ann), ["Ann Lee (you)"]))
  await bob.open(hub.url, project)
  await until(async () => assert.deepEqual(await here(ann), ["Ann Lee (you)", "Bob"]))
})

test("one is called as one likes, and the others see it", async () => {
  await opened(block("text", "One"))
  await bob.page.getByRole("button", { name: /^Bob \(you\)/ }).click()
  await bob.page.getByLabel("Your name, as others see it").fill("Robert")
  await bob.press("Enter")
  await ann.page.getByRole("button", { name: "Robert: go there" }).waitFor()
})

test("a block that is moved by the other keeps the caret in it", async () => {
  await opened(block("text", "One"), block("text", "Two"), block("text", "Three"))
  await ann.enter(2, 2)
  await bob.enter(2)
  await bob.press("Alt+ArrowUp", "Alt+ArrowUp", "Tab")
  await bob.shows(["text: Three", "text: One", "text: Two"])
  await ann.shows(["text: Three", "text: One", "text: Two"])
  assert.deepEqual(await ann.caret(), { text: "Three", at: 2 })
  await bob.press("Alt+ArrowDown", "Tab")
  await ann.shows(["text: One", "  text: Three", "text: Two"])
  assert.deepEqual(await ann.caret(), { text: "Three", at: 2 })
})

test("ac2_who_may_only_read_is_told_so_at_once_and_can_write_again_when_that_is_given_back", async () => {
  const project = await opened(block("text", "One"), block("todo", "Two", { done: false }))
  const share = access => fetch(`${hub.url}/api/projects/${project}`, {
    method: "PATCH", headers: { "Content-Type": "application/json", "X-BlockHub-User": "maker" }, body: JSON.stringify({ access }),
  })
  assert.equal((await share("viewer")).status, 200)
  await ann.page.getByText("You can read this project, but not change it.").waitFor()
  assert.equal(await ann.field(0).getAttribute("readonly"), "")
  assert.equal(await ann.page.getByRole("checkbox", { name: "Done" }).isDisabled(), true)
  await share("editor")
  await ann.page.getByText("You can read this project, but not change it.").waitFor({ state: "detached" })
  await ann.enter(0)
  await ann.type("!")
  await bob.shows(["text: One!", "todo: Two"])
})

test("the owner shares the link and renames the project, and the others see its new title", async () => {
  const project = await hub.project("Plan", [block("text", "One")], "ann-lee")
  await ann.context.grantPermissions(["clipboard-read", "clipboard-write"])
  await Promise.all([ann.open(hub.url, project), bob.open(hub.url, project)])
  await ann.page.getByRole("button", { name: "Share" }).click()
  await ann.page.getByRole("button", { name: "Copy link" }).click()
  await ann.page.getByText("Link copied").waitFor()
  assert.equal(await ann.page.evaluate(() => navigator.clipboard.readText()), `${hub.url}/p/${project}`)
  await ann.press("Escape")
  await ann.page.getByRole("textbox", { name: "Title" }).fill("A better plan")
  await ann.press("Enter")
  await bob.page.getByRole("heading", { name: "A better plan", level: 1 }).waitFor()
  assert.equal((await ann.caret()).text, "One")
})

test("a look that the owner gives the project is everybody's, also of those who come later, and ends with it", async () => {
  const project = await hub.project("Plan", [block("text", "One")], "ann-lee")
  await Promise.all([ann.open(hub.url, project), bob.open(hub.url, project)])
  const shows = ({ page }, accent) => page.waitForFunction(wanted => document.documentElement.style.getPropertyValue("--accent") === wanted, accent)
  await ann.page.getByRole("button", { name: "Share" }).click()
  await ann.page.getByLabel("How it looks").selectOption({ label: "Plum" })
  await Promise.all([ann, bob].map(person => shows(person, "light-dark(#7a3fc0, #ccaaff)")))
  await bob.page.reload()
  await shows(bob, "light-dark(#7a3fc0, #ccaaff)")
  await ann.page.getByLabel("How it looks").selectOption({ label: "as the page comes" })
  await Promise.all([ann, bob].map(person => shows(person, "")))
})

/** Both set the language of a code block while Bob is away; Bob comes back into a conflict. */
const clash = async t => {
  const cable = await Cable.to(hub.port)
  t.after(() => cable.close())
  const project = await hub.project("Plan", [block("code", "let a", { language: "" })])
  await Promise.all([ann.open(hub.url, project), bob.open(cable.url, project)])
  const language = person => person.page.getByRole("textbox", { name: "Language" })
  cable.cut()
  await bob.page.locator(".banner.offline").waitFor()
  await ann.page.getByLabel("Language").fill("rust")
  await ann.press("Enter")
  await ann.isSaved()
  await bob.page.getByLabel("Language").fill("python")
  await bob.press("Enter")
  cable.mend()
  await bob.reconnects()
  const dialog = bob.page.getByRole("dialog", { name: "Two changes at once" })
  await dialog.waitFor()
  assert.match(await dialog.getByLabel("Yours").textContent(), /python/)
  assert.match(await dialog.getByLabel("Theirs").textContent(), /Ann Lee.*rust/)
  const settled = async expected => {
    await dialog.waitFor({ state: "detached" })
    for (const person of [ann, bob]) await until(async () => assert.equal(await language(person).inputValue(), expected))
    await bob.isSaved()
    const answer = await fetch(`${hub.url}/api/projects/${project}/blocks`)
    assert.equal((await answer.json()).blocks[0].content.language, expected)
  }
  return { dialog, settled }
}

test("ed6_a_conflict_is_settled_by_one_click_for_mine", async t => {
  const { dialog, settled } = await clash(t)
  await dialog.getByRole("button", { name: "Keep mine" }).click()
  await settled("python")
})

test("ed6_a_conflict_is_settled_by_one_click_for_theirs", async t => {
  const { dialog, settled } = await clash(t)
  await dialog.getByRole("button", { name: "Take theirs" }).click()
  await settled("rust")
})

test("ed6_a_conflict_is_merged_by_hand", async t => {
  const { dialog, settled } = await clash(t)
  await dialog.getByRole("button", { name: "Merge by hand" }).click()
  await dialog.getByRole("textbox").fill("both")
  await dialog.getByRole("button", { name: "Keep this" }).click()
  await settled("both")
})

test("ed5_what_one_wrote_in_a_block_that_the_other_deleted_is_not_lost", async t => {
  const cable = await Cable.to(hub.port)
  t.after(() => cable.close())
  const project = await hub.project("Plan", [block("todo", "One", { done: false }), block("text", "Two")])
  await Promise.all([ann.open(hub.url, project), bob.open(cable.url, project)])
  cable.cut()
  await bob.page.locator(".banner.offline").waitFor()
  await bob.enter(0)
  await bob.type(" of mine")
  await ann.enter(0)
  await ann.press("Control+Shift+Backspace")
  await ann.shows(["text: Two"])
  await ann.isSaved()
  cable.mend()
  await bob.reconnects()
  const dialog = bob.page.getByRole("dialog", { name: "Two changes at once" })
  assert.match(await dialog.getByLabel("Yours").textContent(), /One of mine/)
  assert.match(await dialog.getByLabel("Theirs").textContent(), /It was deleted/)
  await dialog.getByRole("button", { name: "Keep mine as a new block" }).click()
  for (const person of [ann, bob]) await person.shows(["text: Two", "todo: One of mine"])
  await bob.isSaved()
})
