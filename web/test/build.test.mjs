// The built page: the same each time, what is committed is what the sources give, and nothing in it is inline.
import assert from "node:assert/strict"
import { execFileSync } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { after, before, test } from "node:test"
import { build } from "vite"
import { temporaryFolder } from "./world/hub.mjs"

const WEB = join(import.meta.dirname, "..")
const folder = temporaryFolder()

before(() => {
  for (const workspace of ["@blockhub/client", "@blockhub/react"]) execFileSync("npm", ["run", "build", "-w", workspace], { cwd: join(WEB, ".."), stdio: ["ignore", "ignore", "inherit"] })
})
after(() => folder.close())

/** Each file's name and content. */
const files = path => Object.fromEntries(
  readdirSync(path, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
    .sort()
    .map(name => [name.slice(path.length + 1), readFileSync(name, "utf8")]),
)

const built = async name => {
  const outDir = join(folder.path, name)
  await build({ root: WEB, logLevel: "error", build: { outDir, emptyOutDir: true } })
  return files(outDir)
}

test("building twice gives the same files, and they are the committed ones", async () => {
  const once = await built("once")
  assert.deepEqual(await built("twice"), once)
  const committed = files(join(WEB, "dist"))
  assert.deepEqual(Object.keys(committed), Object.keys(once), "web/dist is old: npm run build -w @blockhub/web")
  assert.ok(Object.keys(once).every(name => committed[name] === once[name]), "web/dist is old: npm run build -w @blockhub/web")
})

test("the licences of what others wrote come with it", () => {
  const licences = readFileSync(join(WEB, "dist/licences.md"), "utf8")
  for (const name of ["react", "react-dom", "scheduler"]) assert.match(licences, new RegExp(`^## ${name} `, "m"))
})

test("every asset carries a hash in its name; there are no source maps, and no scripts or styles in the page", () => {
  const names = Object.keys(files(join(WEB, "dist")))
  assert.deepEqual(names.filter(name => !/^(index\.html|licences\.md|assets\/[\w-]+-[\w-]{8}\.(js|css|svg))$/.test(name)), [])
  assert.doesNotMatch(readFileSync(join(WEB, "dist/index.html"), "utf8"), /<script(?![^>]*src=)|<style|style=/)
})
