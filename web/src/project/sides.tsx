// Both sides of a clash, beside each other.
//
// Promises: says who changed it and when, where that is known; marks what differs.
// Must never: show a content's inner names where people have words for them.

import { difference, type Conflict, type Json, type JsonObject } from "@blockhub/client"
import { momentOf } from "../time"
import { nameOf } from "./people"

export type Clash = Conflict["blocks"][number]

/** So many characters tell which block it is. */
const CONTEXT_MAX = 60

const NAMES: Record<string, string> = { text: "Text", done: "Ticked", url: "Address", alt: "What it shows", language: "Language" }

/** A part of a content in people's words. */
export function nameOfPath(path: string): string {
  const key = path.split("/").at(-1) ?? ""
  return NAMES[key] ?? key
}

/** What stands at a JSON Pointer through objects. */
export function valueAt(content: JsonObject | null | undefined, path: string): Json | undefined {
  let value: Json | undefined = content ?? undefined
  for (const key of path.split("/").slice(1)) {
    if (value === null || typeof value !== "object" || Array.isArray(value)) return undefined
    value = value[key.replaceAll("~1", "/").replaceAll("~0", "~")]
  }
  return value
}

export function Sides({ clash }: { clash: Clash }) {
  const who = clash.changedBy ? nameOf(clash.changedBy) : "Somebody else"
  const when = clash.changedAt ? `, ${momentOf(new Date(clash.changedAt))}` : ""
  return (
    <div className="sides">
      <Context clash={clash} />
      <section aria-label="Yours"><h3>Yours</h3><Mine clash={clash} /></section>
      <section aria-label="Theirs"><h3>{who}{when}</h3><Theirs clash={clash} /></section>
    </div>
  )
}

/** The beginning of the block's text, where that is not itself what clashes. */
function Context({ clash }: { clash: Clash }) {
  const text = valueAt(clash.theirs?.content ?? clash.mine, "/text")
  if (typeof text !== "string" || text === "" || clash.what === "delete" || clash.paths.includes("/text")) return null
  return <p className="context">In “{text.slice(0, CONTEXT_MAX)}{text.length > CONTEXT_MAX && "…"}”</p>
}

function Mine({ clash }: { clash: Clash }) {
  if (clash.mine === null) return <p>You deleted it.</p>
  if (clash.what === "place") return <p>You moved it.</p>
  return <Values content={clash.mine} other={clash.theirs?.content} paths={shownPaths(clash)} />
}

function Theirs({ clash }: { clash: Clash }) {
  if (clash.theirs === null) return <p>It was deleted.</p>
  if (clash.what === "place") return <p>It was moved elsewhere.</p>
  return <Values content={clash.theirs.content} other={clash.mine} paths={shownPaths(clash)} />
}

/** The paths that clash; where the block itself is at stake, all that it holds. */
function shownPaths(clash: Clash): readonly string[] {
  if (clash.paths.length > 0 && clash.mine && clash.theirs) return clash.paths
  const content = clash.mine ?? clash.theirs?.content ?? {}
  return Object.keys(content).map((key) => `/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`)
}

function Values({ content, other, paths }: { content: JsonObject; other: JsonObject | null | undefined; paths: readonly string[] }) {
  return (
    <dl>
      {paths.map((path) => (
        <div key={path}><dt>{nameOfPath(path)}</dt><dd><Value value={valueAt(content, path)} other={valueAt(other, path)} /></dd></div>
      ))}
    </dl>
  )
}

function Value({ value, other }: { value: Json | undefined; other: Json | undefined }) {
  if (value === undefined || value === "") return <em className="faint">nothing</em>
  if (typeof value === "boolean") return <>{value ? "yes" : "no"}</>
  if (typeof value !== "string") return <>{JSON.stringify(value)}</>
  const [change] = typeof other === "string" ? difference(other, value, value.length) : []
  // Where more differs than not, marks only get in the way.
  if (!change || change.insert === "" || change.insert.length > value.length / 2) return <>{value}</>
  const end = change.at + change.insert.length
  return <>{value.slice(0, change.at)}<mark>{value.slice(change.at, end)}</mark>{value.slice(end)}</>
}
