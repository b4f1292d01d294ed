// Both sides made into one by hand: a field for each thing that clashes.
//
// Promises: begins with one's own; what does not clash stays as it is now.
// Must never: be offered where a block was moved or deleted; there is nothing to write then.

import type { FormEvent } from "react"
import type { Conflict, Json, JsonObject } from "@blockhub/client"
import { nameOfPath, Sides, valueAt, type Clash } from "./sides"

/** Whether every clash is between values that can be written. */
export function mergeable(conflict: Conflict): boolean {
  return conflict.blocks.every((clash) => clash.what === "content" && clash.mine && clash.theirs && clash.paths.every((path) => isFlat(clash, path)))
}

/** A text or a tick right in the content. */
function isFlat(clash: Clash, path: string): boolean {
  const kinds = [valueAt(clash.mine, path), valueAt(clash.theirs?.content, path)].filter((value) => value !== undefined).map((value) => typeof value)
  return path.lastIndexOf("/") === 0 && kinds.length > 0 && kinds.every((kind) => kind === kinds[0] && (kind === "string" || kind === "boolean"))
}

interface Properties {
  readonly conflict: Conflict
  readonly onMerge: (contents: Record<string, JsonObject>) => void
  readonly onBack: () => void
}

export function MergeForm({ conflict, onMerge, onBack }: Properties) {
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    const given = new FormData(event.currentTarget)
    onMerge(Object.fromEntries(conflict.blocks.map((clash) => [clash.block, merged(clash, given)])))
  }
  return (
    <form onSubmit={submit} className="merge">
      {conflict.blocks.map((clash) => (
        <div key={clash.block}>
          <Sides clash={clash} />
          {clash.paths.map((path) => <Field key={path} name={clash.block + path} label={nameOfPath(path)} value={valueAt(clash.mine, path)} />)}
        </div>
      ))}
      <div className="choices">
        <button type="submit" className="main">Keep this</button>
        <button type="button" onClick={onBack}>Back</button>
      </div>
    </form>
  )
}

function Field({ name, label, value }: { name: string; label: string; value: Json | undefined }) {
  if (typeof value === "boolean") return <label className="row-label"><input type="checkbox" name={name} defaultChecked={value} />{label}</label>
  return <label>{label}<textarea name={name} rows={3} defaultValue={typeof value === "string" ? value : ""} autoFocus /></label>
}

/** The block's content as it is now, with what was written. */
function merged(clash: Clash, given: FormData): JsonObject {
  const written = clash.paths.map((path) => {
    const isTick = typeof valueAt(clash.mine, path) === "boolean"
    const value = given.get(clash.block + path)
    const key = path.slice(1).replaceAll("~1", "/").replaceAll("~0", "~")
    return [key, isTick ? value !== null : String(value ?? "")]
  })
  return { ...clash.theirs?.content, ...Object.fromEntries(written) }
}
