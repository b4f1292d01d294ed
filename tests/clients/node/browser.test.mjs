// The README's page in a real browser: two tabs, driven over the DevTools protocol, see each other's lines.
import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import path from "node:path"
import { createInterface } from "node:readline"
import { test } from "node:test"
import WebSocket from "ws"
import { hub } from "./client.mjs"

const chromium = process.env.BLOCKHUB_TEST_CHROMIUM

class Tab {
  #last = 0
  #answers = new Map()

  constructor(socket) {
    this.socket = socket
    socket.on("message", data => {
      const { id, ...answer } = JSON.parse(data)
      this.#answers.get(id)?.(answer)
    })
  }

  /** A tab on this address. */
  static async open(devtools, url) {
    const { webSocketDebuggerUrl } = await (await fetch(`${devtools}/json/new?${encodeURIComponent(url)}`, { method: "PUT" })).json()
    const socket = new WebSocket(webSocketDebuggerUrl, { perMessageDeflate: false })
    await once(socket, "open")
    return new Tab(socket)
  }

  /** What an expression comes to; a promise is awaited. */
  async evaluate(expression) {
    const id = ++this.#last
    const answer = new Promise(resolve => this.#answers.set(id, resolve))
    const params = { expression, awaitPromise: true, returnByValue: true }
    this.socket.send(JSON.stringify({ id, method: "Runtime.evaluate", params }))
    const { result } = await answer
    return result?.result?.value
  }

  /** Waits in the page until an expression holds; a page that goes on loading meanwhile is asked again. */
  async until(expression) {
    const wait = `new Promise(done => { const look = () => (${expression}) ? done(true) : setTimeout(look, 20); look() })`
    while (await this.evaluate(wait) !== true);
  }
}

test("readme_the_browser_example_shows_each_tab_what_the_other_wrote", { skip: chromium ? false : "no Chromium", timeout: 120_000 }, async () => {
  const profile = await mkdtemp(path.join(tmpdir(), "blockhub-chromium-"))
  const browser = spawn(chromium, ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
    "--remote-debugging-port=0", `--user-data-dir=${profile}`, "about:blank"], { stdio: ["ignore", "ignore", "pipe"] })
  try {
    let devtools
    for await (const line of createInterface({ input: browser.stderr })) {
      devtools = line.match(/DevTools listening on ws:\/\/([^/]+)/)?.[1]
      if (devtools) break
    }
    const readme = await readFile(new URL("../../../README.md", import.meta.url), "utf8")
    const page = await readFile(new URL("../../../examples/browser.html", import.meta.url), "utf8")
    assert.ok(readme.includes(page.trim()), "the README shows examples/browser.html as it is")
    assert.equal(await (await fetch(`${hub}/examples/browser.html`)).text(), page, "the hub serves it as it is")

    const ann = await Tab.open(`http://${devtools}`, `${hub}/examples/browser.html`)
    await ann.until(`location.hash.length > 30`)
    const bob = await Tab.open(`http://${devtools}`, `${hub}/examples/browser.html${await ann.evaluate("location.hash")}`)
    const write = line => `text.value = ${JSON.stringify(line)}; text.dispatchEvent(new Event("change"))`
    const shows = line => `[...document.querySelectorAll("li")].some(item => item.textContent === ${JSON.stringify(line)})`
    for (const tab of [ann, bob]) await tab.until(`document.querySelector("input")?.disabled === false`)
    await ann.evaluate(write("from ann"))
    await bob.until(shows("from ann"))
    await bob.evaluate(write("from bob"))
    await ann.until(shows("from bob"))
  } finally {
    const ended = once(browser, "exit")
    browser.kill()
    await ended
    await rm(profile, { recursive: true, force: true, maxRetries: 5 })
  }
})
