// Changes to a string, counted in UTF-16 code units: spans of the string before, in ascending order ([ED11]).
//
// Promises: `apply(before, difference(before, after, caret))` is `after`.
// Must never: cut a surrogate pair in two.

import type { TextChange } from "../protocol.js"

/** The string with the changes applied. Throws a RangeError if they are no ascending spans of it. */
export function apply(text: string, changes: readonly TextChange[]): string {
  let result = ""
  let end = 0
  for (const change of changes) {
    if (change.at < end || change.delete < 0 || change.at + change.delete > text.length)
      throw new RangeError("The changes are not ascending spans of the text.")
    if (cuts(text, change.at) || cuts(text, change.at + change.delete))
      throw new RangeError("A change cuts a character in two.")
    result += text.slice(end, change.at) + change.insert
    end = change.at + change.delete
  }
  return result + text.slice(end)
}

/** Where a caret is after the changes. `side`: on which side of text put right at it, or over it, the caret stays. */
export function shift(at: number, changes: readonly TextChange[], side: "before" | "after"): number {
  let moved = 0
  for (const change of changes) {
    if (at < change.at) break
    const end = change.at + change.delete
    if (at < end || (at === end && change.delete === 0))
      return change.at + moved + (side === "after" ? change.insert.length : 0)
    moved += change.insert.length - change.delete
  }
  return at + moved
}

/** The smallest change between two strings, given the caret after it: what was typed ends at the caret where it can. */
export function difference(before: string, after: string, caret: number): TextChange[] {
  if (before === after) return []
  const shorter = Math.min(before.length, after.length)
  const behindCaret = Math.max(0, after.length - caret)
  let suffix = 0
  while (suffix < Math.min(shorter, behindCaret) && same(before, after, suffix)) suffix++
  let prefix = 0
  while (prefix < shorter - suffix && before[prefix] === after[prefix]) prefix++
  while (suffix < shorter - prefix && same(before, after, suffix)) suffix++
  if (cuts(before, prefix) || cuts(after, prefix)) prefix--
  if (cuts(before, before.length - suffix) || cuts(after, after.length - suffix)) suffix--
  return [{ at: prefix, delete: before.length - suffix - prefix, insert: after.slice(prefix, after.length - suffix) }]
}

/** How many units the changes delete and insert. */
export function extent(changes: readonly TextChange[]): number {
  return changes.reduce((sum, change) => sum + change.delete + change.insert.length, 0)
}

function same(before: string, after: string, fromEnd: number): boolean {
  return before[before.length - 1 - fromEnd] === after[after.length - 1 - fromEnd]
}

/** Whether a surrogate pair lies across this place. */
function cuts(text: string, at: number): boolean {
  return at > 0 && at < text.length && isHigh(text.charCodeAt(at - 1)) && isLow(text.charCodeAt(at))
}

function isHigh(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xdc00
}

function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit < 0xe000
}
