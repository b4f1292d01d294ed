// People at browsers: each has a context, and so a device, of their own.
//
// Promises: waits are for what the page shows; an error on any page fails the test.
// Must never: look into the page's code, only at what a person could see or do.
import assert from "node:assert/strict"
import { chromium } from "playwright-core"

const WAIT_MS = 15_000

export class Browser {
  static async start() {
    const browser = await chromium.launch({ executablePath: process.env.BLOCKHUB_TEST_CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] })
    return Object.assign(new Browser(), { browser })
  }

  /** Somebody with this name, at a device with these options. */
  async person(name, options = {}) {
    const context = await this.browser.newContext({ viewport: { width: 1100, height: 800 }, reducedMotion: "reduce", ...options })
    context.setDefaultTimeout(WAIT_MS)
    const me = JSON.stringify({ id: name.toLowerCase().replaceAll(" ", "-"), name })
    await context.addInitScript(value => window.localStorage.getItem("blockhub.me") ?? window.localStorage.setItem("blockhub.me", value), me)
    return new Person(name, context, await context.newPage())
  }

  close() {
    return this.browser.close()
  }
}

export class Person {
  errors = []

  constructor(name, context, page) {
    Object.assign(this, { name, context, page })
    this.watch(page)
  }

  watch(page) {
    page.on("pageerror", error => this.errors.push(error.message))
    page.on("console", message => isFault(message) && this.errors.push(message.text()))
  }

  async open(url, project) {
    await this.page.goto(`${url}/p/${project}`)
    await this.page.locator(".document").waitFor()
    await this.isSaved()
  }

  /** The n-th block that has text, from 0; negative from the end. */
  field(n) {
    return this.page.locator(".document .list textarea").nth(n)
  }

  /** Puts the caret into a block, at a place in its text. */
  async enter(n, at) {
    await this.field(n).focus()
    await this.field(n).evaluate((field, place) => field.setSelectionRange(place, place), at ?? 1e9)
  }

  async type(text) {
    await this.page.keyboard.type(text)
  }

  async press(...keys) {
    for (const key of keys) await this.page.keyboard.press(key)
  }

  /** Kind and text of each block, indented by two spaces for each parent. */
  outline() {
    return this.page.evaluate(() => [...document.querySelectorAll(".document .row")].map(row => {
      let depth = 0
      for (let up = row.parentElement.closest(".row"); up; up = up.parentElement.closest(".row")) depth += 1
      const text = row.querySelector(":scope > .line textarea")?.value
      return "  ".repeat(depth) + row.dataset.kind + (text === undefined ? "" : `: ${text}`)
    }))
  }

  texts() {
    return this.page.locator(".document .list textarea").evaluateAll(fields => fields.map(field => field.value))
  }

  caret() {
    return this.page.evaluate(() => ({ text: document.activeElement.value, at: document.activeElement.selectionStart }))
  }

  /** Until the page shows just these blocks. */
  async shows(expected) {
    await until(async () => assert.deepEqual(await this.outline(), expected))
  }

  async isSaved() {
    await this.page.locator('.saved[data-state="saved"]').waitFor()
  }

  /** The hub is there again: asks the page to connect, unless it does so first. */
  async reconnects() {
    const button = this.page.getByRole("button", { name: "Try now" })
    await button.click({ timeout: 1_000 }).catch(() => undefined)
    await button.waitFor({ state: "detached" })
  }

  async close() {
    await this.context.close()
    assert.deepEqual(this.errors, [], `errors on the page of ${this.name}`)
  }
}

/** A network that is away is what some tests are about; all else on the console is a fault. */
function isFault(message) {
  return message.type() === "error" && !/net::ERR|WebSocket connection|Failed to load resource/.test(message.text())
}

/** Until a check passes; its last failure if it never does. */
export async function until(check, ms = WAIT_MS) {
  const end = Date.now() + ms
  for (;;) {
    try {
      return await check()
    } catch (error) {
      if (Date.now() > end) throw error
      await new Promise(resolve => setTimeout(resolve, 20))
    }
  }
}

/** Blocks for a new project: `text("One")`, `todo("Two")`. */
export const block = (kind, text, more = {}) => ({ kind, content: { ...more, text } })
