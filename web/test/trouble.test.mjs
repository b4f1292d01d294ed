// When things break: the network, a hub, a deploy, the page itself. Nothing that was written is lost.
import assert from "node:assert/strict"
import { createHmac } from "node:crypto"
import { after, afterEach, before, beforeEach, describe, test } from "node:test"
import { Cable } from "./world/cable.mjs"
import { Hub } from "./world/hub.mjs"
import { Cluster } from "./world/nginx.mjs"
import { block, until } from "./world/people.mjs"
import { people } from "./world/scene.mjs"

const { person, opened: openedOn } = await people()
let ann, bob

beforeEach(async () => ([ann, bob] = [await person("Ann Lee"), await person("Bob")]))

describe("one hub", () => {
  let hub
  beforeEach(async () => (hub = await Hub.start()))
  afterEach(() => hub.close())

  const opened = (...blocks) => openedOn(hub, blocks)

  test("offline one goes on writing, and back online it is merged with what the others wrote", async t => {
    const cable = await Cable.to(hub.port)
    t.after(() => cable.close())
    const project = await opened(block("text", "One"), block("text", "Two"))
    await ann.open(cable.url, project)
    cable.cut()
    await ann.page.locator(".banner.offline").waitFor()
    await ann.enter(0)
    await ann.type(" from far")
    await ann.press("Enter")
    await ann.type("and new")
    await ann.page.getByText(/edits? not saved since \d\d:\d\d/).first().waitFor()
    await bob.enter(0, 0)
    await bob.type("Here: ")
    await bob.isSaved()
    cable.mend()
    await ann.reconnects()
    await ann.page.locator(".banner.offline").waitFor({ state: "detached" })
    const all = ["text: Here: One from far", "text: and new", "text: Two"]
    await ann.shows(all)
    await bob.shows(all)
    await ann.isSaved()
    assert.deepEqual(await hub.texts(project), ["Here: One from far", "and new", "Two"])
  })

  test("ed2_a_hub_that_is_killed_while_one_types_loses_nothing_and_doubles_nothing", async () => {
    const project = await opened(block("text", ""))
    await ann.enter(0)
    const typing = ann.page.keyboard.type("one two three four five six seven", { delay: 30 })
    await until(async () => assert.match((await bob.texts())[0], /^one/))
    await hub.kill()
    await typing
    await ann.page.locator(".banner.offline").waitFor()
    await hub.run()
    await ann.reconnects()
    await ann.isSaved()
    await bob.shows(["text: one two three four five six seven"])
    assert.deepEqual(await hub.texts(project), ["one two three four five six seven"])
  })

  test("edits that are not saved outlive the page", async () => {
    const project = await opened(block("text", "One"))
    await bob.context.close()
    await hub.kill()
    await ann.enter(0)
    await ann.type(" and unsaved")
    await ann.page.getByText(/edits? not saved since/).first().waitFor()
    await ann.page.close({ runBeforeUnload: false })
    await hub.run()
    ann.page = await ann.context.newPage()
    ann.watch(ann.page)
    await ann.page.goto(`${hub.url}/p/${project}`)
    await ann.shows(["text: One and unsaved"])
    await ann.isSaved()
    assert.deepEqual(await hub.texts(project), ["One and unsaved"])
  })

  test("the page asks before it is left with unsaved edits, and not without", async () => {
    await opened(block("text", "One"))
    await hub.kill()
    await ann.enter(0)
    await ann.type("!")
    const asked = ann.page.waitForEvent("dialog")
    await ann.page.evaluate(() => void setTimeout(() => window.location.reload()))
    const dialog = await asked
    assert.equal(dialog.type(), "beforeunload")
    await dialog.dismiss()
    await ann.shows(["text: One!"])
    await hub.run()
    await ann.reconnects()
    await ann.isSaved()
    await ann.page.reload()
    await ann.shows(["text: One!"])
  })

  test("a project that is not there says so", async () => {
    await ann.page.goto(`${hub.url}/p/00000000-0000-4000-8000-000000000000`)
    await ann.page.getByRole("alert").getByText(/no such project/).waitFor()
  })

  test("a project that is deleted says so to those who have it open", async () => {
    const project = await opened(block("text", "One"))
    await fetch(`${hub.url}/api/projects/${project}`, { method: "DELETE", headers: { "X-BlockHub-User": "maker" } })
    await ann.page.getByRole("alert").getByText("This project was deleted.").waitFor()
  })
})

describe("a hub that asks who one is", () => {
  const secret = "a secret of thirty-two characters or more"
  let hub
  before(async () => (hub = await Hub.start({ BLOCKHUB_AUTH_SECRET: secret })))
  after(() => hub.close())

  /** A token as the hub wants it, signed with its secret. */
  const tokenFor = (sub, name) => {
    const part = value => Buffer.from(JSON.stringify(value)).toString("base64url")
    const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part({ sub, name, exp: Math.floor(Date.now() / 1000) + 3600 })}`
    return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`
  }

  test("cn6_the_page_asks_for_a_token_says_when_it_is_wrong_and_works_with_a_right_one", async () => {
    await ann.page.goto(hub.url)
    const field = ann.page.getByLabel("Token for this hub")
    await field.fill("nonsense")
    await ann.press("Enter")
    await ann.page.getByRole("alert").getByText(/not valid/).waitFor()
    await field.fill(tokenFor("ann", "Ann of the token"))
    await ann.press("Enter")
    await field.waitFor({ state: "detached" })
    await ann.page.getByLabel("Title").fill("Closed")
    await ann.press("Enter")
    await ann.shows(["text: "])
    await ann.page.getByRole("button", { name: /^Ann of the token \(you\)/ }).waitFor()
    await ann.page.reload()
    await ann.shows(["text: "])
  })
})

describe("two hubs behind nginx", () => {
  let cluster
  before(async () => (cluster = await Cluster.start()))
  after(() => cluster.close())

  const opened = (...blocks) => openedOn(cluster.hubs[0], blocks, cluster.url)
  const bothShow = async expected => {
    await ann.shows(expected)
    await bob.shows(expected)
  }

  test("what one types on one hub the other sees on the other", async () => {
    await opened(block("text", "One"))
    await ann.enter(0)
    await ann.type(" from Ann")
    await bothShow(["text: One from Ann"])
    await bob.enter(0, 0)
    await bob.type("Bob: ")
    await bothShow(["text: Bob: One from Ann"])
    await ann.page.getByRole("button", { name: "Bob: go there" }).waitFor()
  })

  test("jn3_each_hub_in_turn_is_killed_and_both_people_go_on", async () => {
    const project = await opened(block("text", "One"))
    await ann.enter(0)
    let text = "One"
    for (const hub of cluster.hubs) {
      await hub.kill()
      await ann.type(", more")
      text += ", more"
      await bothShow([`text: ${text}`])
      await ann.isSaved()
      await hub.run()
    }
    assert.deepEqual(await cluster.hubs[1].texts(project), [text])
  })

  test("dr1_each_hub_is_deployed_anew_while_both_type_and_no_letter_is_lost", async () => {
    const project = await opened(block("text", "A"), block("text", "B"))
    await ann.enter(0)
    await bob.enter(1)
    for (const hub of cluster.hubs) {
      const stopped = hub.deploy()
      await Promise.all([ann, bob].map(person => person.page.keyboard.type(" and so on and on", { delay: 40 })))
      await stopped
      await hub.run()
    }
    const expected = ["A and so on and on and so on and on", "B and so on and on and so on and on"]
    await bothShow(expected.map(text => `text: ${text}`))
    await ann.isSaved()
    await bob.isSaved()
    assert.deepEqual(await cluster.hubs[0].texts(project), expected)
  })
})
