// The hub's tests and these read the same messages, one file each: what the types say is what goes over the wire.
//
// Promises: a field that the types do not know, lack, or spell otherwise fails here.
// Must never: hold a message of its own that is to be right.

import { readdirSync, readFileSync } from "node:fs"
import path from "node:path"
import { fileURLToPath } from "node:url"
import ts from "typescript"
import { expect, test } from "vitest"

const here = path.dirname(fileURLToPath(import.meta.url))
const golden = path.join(here, "../../../tests/data/messages")

type Side = "ClientMessage" | "ServerMessage"

/** The compiler takes a moment to start: it looks at all of them at once. */
const complaints = compile({
  hub: source("ServerMessage", messages("hub")),
  client: source("ClientMessage", messages("client")),
  "hub-lacking": source("ServerMessage", [`{"type": "refreshed"}`]),
  "client-unknown": source("ClientMessage", [`{"type": "ping", "unknown": 1}`]),
})

function messages(side: string): string[] {
  const folder = path.join(golden, side)
  return readdirSync(folder).map((file) => readFileSync(path.join(folder, file), "utf8"))
}

/** Messages that are taken for ones of this type. */
function source(type: Side, said: readonly string[]): string {
  return `import type { ${type} } from "../src/protocol.js"\nexport const messages: ${type}[] = [${said.join(",")}]\n`
}

/** What the compiler says of each source. */
function compile(sources: Record<string, string>): Map<string, string[]> {
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: true,
    lib: ["lib.es5.d.ts"],
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    types: [],
  }
  const files = new Map(Object.entries(sources).map(([name, text]) => [path.join(here, `golden.${name}.ts`), text]))
  const host = ts.createCompilerHost(options)
  const { getSourceFile, fileExists } = host
  host.fileExists = (name) => files.has(name) || fileExists(name)
  host.getSourceFile = (name, ...rest) => {
    const text = files.get(name)
    return text === undefined ? getSourceFile(name, ...rest) : ts.createSourceFile(name, text, ts.ScriptTarget.ES2022)
  }
  const program = ts.createProgram([...files.keys()], options, host)
  const said = (file: string) => ts.getPreEmitDiagnostics(program, program.getSourceFile(file)).map((one) => ts.flattenDiagnosticMessageText(one.messageText, "\n"))
  return new Map(Object.keys(sources).map((name) => [name, said(path.join(here, `golden.${name}.ts`))]))
}

test("ms1_every_golden_message_of_a_hub_has_the_shape_that_the_types_say", () => {
  expect(complaints.get("hub")).toEqual([])
  expect(complaints.get("hub-lacking")).toHaveLength(1)
})

test("ms1_every_golden_message_of_a_client_has_the_shape_that_the_types_say", () => {
  expect(complaints.get("client")).toEqual([])
  expect(complaints.get("client-unknown")).toHaveLength(1)
})
