// Order keys: base-62 fractional indexes, the very ones that the hub reckons (src/domain/position.rs), so that a block
// inserted here shows at the place it will have.
//
// A key is an integer part, whose first character tells how long it is, and a fraction without trailing zeros. The
// algorithm is David Greenspan's ("Implementing Fractional Indexing").
// Promises: `between(a, b)` stands between a and b bytewise.
// Must never: give a key for two that are out of order: that is a RangeError.

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
const SMALLEST_INTEGER = "A" + "0".repeat(26)
/** Above what a half-open gap may be. */
const BASE = DIGITS.length

interface Key {
  integer: string
  fraction: string
}

/** A key behind `after` and before `before`; null is the beginning or the end. Throws RangeError. */
export function between(after: string | null, before: string | null): string {
  const low = after === null ? null : parse(after)
  const high = before === null ? null : parse(before)
  if (low === null) return high === null ? "a0" : keyBefore(high)
  return high === null ? keyBehind(low) : keyUpTo(low, high)
}

/** Bytewise, as siblings are sorted. */
export function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}

function parse(text: string): Key {
  const length = integerLength(text.charAt(0))
  if (
    length === null ||
    text.length < length ||
    text === SMALLEST_INTEGER ||
    !/^[0-9A-Za-z]+$/.test(text) ||
    (text.length > length && text.endsWith("0"))
  )
    throw new RangeError(`${text} is no order key`)
  return { integer: text.slice(0, length), fraction: text.slice(length) }
}

/** `a` and `Z` head the shortest integers; away from them they grow. */
function integerLength(head: string): number | null {
  if (head >= "a" && head <= "z") return head.charCodeAt(0) - 97 + 2
  if (head >= "A" && head <= "Z") return 90 - head.charCodeAt(0) + 2
  return null
}

function keyBefore({ integer, fraction }: Key): string {
  if (integer === SMALLEST_INTEGER) return integer + midpoint("", fraction)
  if (fraction !== "") return integer
  return step(integer, -1) ?? exhausted()
}

function keyBehind({ integer, fraction }: Key): string {
  return step(integer, 1) ?? integer + midpoint(fraction, null)
}

function keyUpTo(low: Key, high: Key): string {
  if (low.integer + low.fraction >= high.integer + high.fraction) throw new RangeError("the keys are out of order")
  if (low.integer === high.integer) return low.integer + midpoint(low.fraction, high.fraction)
  const next = step(low.integer, 1) ?? exhausted()
  return next < high.integer + high.fraction ? next : low.integer + midpoint(low.fraction, null)
}

function exhausted(): never {
  throw new RangeError("there are no more order keys")
}

/** The integer part one above or below; null at the end of all. */
function step(integer: string, by: 1 | -1): string | null {
  const digits = [...integer.slice(1)].map(digit => DIGITS.indexOf(digit))
  const [limit, wrapped] = by === 1 ? [BASE - 1, 0] : [0, BASE - 1]
  for (let index = digits.length - 1; index >= 0; index--) {
    if (digits[index] !== limit) {
      digits[index]! += by
      return integer.charAt(0) + spell(digits)
    }
    digits[index] = wrapped
  }
  const head = stepHead(integer.charAt(0), by)
  if (head === null) return null
  return head + spell(new Array<number>(integerLength(head)! - 1).fill(wrapped))
}

function spell(digits: number[]): string {
  return digits.map(digit => DIGITS.charAt(digit)).join("")
}

function stepHead(head: string, by: 1 | -1): string | null {
  if (by === 1 ? head === "z" : head === "A") return null
  if (by === 1 && head === "Z") return "a"
  if (by === -1 && head === "a") return "Z"
  return String.fromCharCode(head.charCodeAt(0) + by)
}

/** The shortest fraction above `low` and below `high`; null is one. */
function midpoint(low: string, high: string | null): string {
  let middle = ""
  let rest = high
  for (let index = 0; ; index++) {
    const below = Math.max(0, DIGITS.indexOf(low.charAt(index) || "0"))
    const above = rest === null ? BASE : DIGITS.indexOf(rest.charAt(0) || "0")
    if (above > below + 1) return middle + DIGITS.charAt(Math.ceil((below + above) / 2))
    if (above === below) {
      middle += DIGITS.charAt(below)
      rest = rest === null ? null : rest.slice(1) || null
    } else if (rest !== null && rest.length > 1) {
      return middle + DIGITS.charAt(above)
    } else {
      middle += DIGITS.charAt(below)
      rest = null
    }
  }
}
