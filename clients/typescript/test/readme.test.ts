// The README's examples, run as they stand there against a real hub.

import { readFileSync } from "node:fs"
import { afterEach, beforeEach, expect, test } from "vitest"
import type { Project } from "../src/index.js"
import { Hub } from "./harness/hub.js"
import { until } from "./harness/until.js"

let hub: Hub
beforeEach(async () => void (hub = await Hub.start()))
afterEach(() => hub.stop())

const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor as new (
  ...args: string[]
) => (...args: unknown[]) => Promise<Project>

test("the_examples_do_what_the_readme_says", async () => {
  const blocks = [...readFileSync(new URL("../README.md", import.meta.url), "utf8").matchAll(/```ts\n(.*?)```/gs)].map(
    ([, code]) => code,
  )
  const code = blocks
    .join("\n")
    .replace(/^import .*$/m, "")
    .replace(/connect\(.*\)$/m, "connect()")
    .replace(/client\.project\("[^"]*"\)/, "client.project(id)")
  const { id } = await hub.client("ann").createProject({ title: "README" })
  const logged: unknown[][] = []
  const project = await new AsyncFunction("connect", "id", "console", `${code}; return project`)(
    () => hub.client("ann"),
    id,
    { log: (...args: unknown[]) => logged.push(args) },
  )
  await until("all is saved", () => project.sync.unsaved === 0 && project.seq === 4)
  expect(project.blocks.map(({ parent, content }) => [parent === null, content])).toEqual([
    [true, { text: "Hello world", color: "red" }],
    [true, { text: "below" }],
  ])
  expect(logged).toContainEqual([{ seq: 1 }])
  expect(logged).toContainEqual([{ state: "live" }, "README", "owner"])
})
