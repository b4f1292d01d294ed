// The scene of a test file: a hub, and the people who come for one test each.
//
// Promises: a hub and a browser last until the file's last test is over; whoever came for a test leaves with it, and it fails if there was an
// error on a page of theirs.
// Must never: keep anybody for the next test.
import { after, afterEach } from "node:test"
import { Hub } from "./hub.mjs"
import { Browser } from "./people.mjs"

/** People for the tests of this file, which start hubs of their own. */
export async function people() {
  const browser = await Browser.start()
  const here = []
  after(() => browser.close())
  afterEach(() => Promise.all(here.splice(0).map(person => person.close())))
  const person = async (name, options) => {
    const came = await browser.person(name, options)
    here.push(came)
    return came
  }
  return { person, opened: (hub, blocks, url) => openedBy(here, hub, blocks, url) }
}

/** A hub for all tests of this file, and people at it. */
export async function scene() {
  const { person, opened } = await people()
  const hub = await Hub.start()
  after(() => hub.close())
  return { hub, person, opened: (...blocks) => opened(hub, blocks) }
}

/** A new project with these blocks, open before everybody who is here. */
async function openedBy(here, hub, blocks, url = hub.url) {
  const project = await hub.project("Plan", blocks)
  await Promise.all(here.map(person => person.open(url, project)))
  return project
}
