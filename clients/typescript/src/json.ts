// JSON as blocks hold it: merge patches (RFC 7396), JSON Pointers (RFC 6901) through objects, leaves, equality.
//
// Promises: nothing given is changed; what did not change is shared between old and new.
// Must never: look into arrays; they are leaves ([ED5]).

import type { Json, JsonObject } from "./protocol.js"

/** A path through objects, key by key. */
export type Path = readonly string[]

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}

/** Deep equality. */
export function equal(one: Json | undefined, other: Json | undefined): boolean {
  if (one === other) return true
  if (Array.isArray(one) && Array.isArray(other))
    return one.length === other.length && one.every((value, index) => equal(value, other[index]))
  if (!isObject(one) || !isObject(other)) return false
  const keys = Object.keys(one)
  return (
    keys.length === Object.keys(other).length &&
    keys.every(key => Object.hasOwn(other, key) && equal(one[key], other[key]))
  )
}

/** `content` with a merge patch applied: nulls remove, objects merge, everything else replaces. */
export function patched(content: JsonObject, patch: JsonObject): JsonObject {
  const result = { ...content }
  for (const [key, change] of Object.entries(patch)) {
    if (change === null) delete result[key]
    else
      set(
        result,
        key,
        isObject(change) ? patched(isObject(own(result, key)) ? (result[key] as JsonObject) : {}, change) : change,
      )
  }
  return result
}

/** One merge patch that does what two do, one after the other. */
export function combined(patch: JsonObject, more: JsonObject): JsonObject {
  const result = { ...patch }
  for (const [key, change] of Object.entries(more)) {
    const before = own(result, key)
    set(result, key, isObject(before) && isObject(change) ? combined(before, change) : change)
  }
  return result
}

/** The smallest merge patch that leads from one content to another. */
export function difference(from: JsonObject, to: JsonObject): JsonObject {
  const patch: JsonObject = {}
  for (const key of Object.keys(from)) if (!Object.hasOwn(to, key)) set(patch, key, null)
  for (const [key, value] of Object.entries(to)) {
    const before = own(from, key)
    if (equal(before, value)) continue
    set(patch, key, isObject(before) && isObject(value) ? difference(before, value) : value)
  }
  return patch
}

/** A JSON Pointer's keys. Throws a RangeError for what is none, or is empty. */
export function parsePointer(pointer: string): Path {
  if (!pointer.startsWith("/") || /~(?![01])/.test(pointer))
    throw new RangeError(`${JSON.stringify(pointer)} is no path into a block`)
  return pointer
    .slice(1)
    .split("/")
    .map(key => key.replaceAll("~1", "/").replaceAll("~0", "~"))
}

export function writePointer(path: Path): string {
  return path.map(key => `/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("")
}

/** What stands at a path, if anything does. */
export function at(content: JsonObject, path: Path): Json | undefined {
  let value: Json | undefined = content
  for (const key of path) value = isObject(value) ? own(value, key) : undefined
  return value
}

/** The string at a path, if one stands there. */
export function textAt(content: JsonObject, path: Path): string | undefined {
  const value = at(content, path)
  return typeof value === "string" ? value : undefined
}

/** The merge patch that sets one path. */
export function patchOf(path: Path, value: Json): JsonObject {
  return path.reduceRight<Json>((inner, key) => set({}, key, inner), value) as JsonObject
}

/** The leaf paths of a patch or a content; empty objects are leaves. */
export function leaves(object: JsonObject, above: Path = []): Path[] {
  return Object.entries(object).flatMap(([key, value]) => {
    const path = [...above, key]
    return isObject(value) && Object.keys(value).length > 0 ? leaves(value, path) : [path]
  })
}

/** Whether one path is equal to, above or below the other. */
export function overlap(one: Path, other: Path): boolean {
  return one.slice(0, other.length).every((key, index) => key === other[index])
}

function own(object: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined
}

/** Sets a key as data, `__proto__` too. */
function set(object: JsonObject, key: string, value: Json): JsonObject {
  Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
  return object
}
