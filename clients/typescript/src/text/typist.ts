// Typing together, the client's side ([ED13]): what a person sees and types in one string, and what comes back.
//
// The text is kept in pieces, in the order in which the person sees it: confirmed ones, and those of edits that are not
// confirmed yet. What was typed here stands behind the character that it was typed after, before what others put
// there, and also when that character is gone. In the end the hub decides where an edit goes: its event puts its
// pieces, and what is pending behind them, where they belong.
//
// Promises: without I/O; what the event of an edit says is the confirmed text, whatever was shown before.
// Must never: count an edit on anything but the confirmed text.

import type { TextChange } from "../protocol.js"
import { apply, difference, extent } from "./changes.js"

/** Who made a piece: the hub has it, the hub had it (something typed here still stands behind it), or an edit of ours. */
type Maker = "hub" | "gone" | number

interface Piece {
  text: string
  maker: Maker
  /** The edit of ours that deleted it; the hub does not know yet. */
  deleter: number | null
}

type Length = (piece: Piece) => number

const confirmedLength: Length = piece => (piece.maker === "hub" ? piece.text.length : 0)
const shownLength: Length = piece => (piece.maker === "gone" || piece.deleter !== null ? 0 : piece.text.length)

/** One person at one string of one block. Edits are told apart by number; a later edit has a higher one. */
export class Typist {
  #pieces: Piece[]

  constructor(text: string) {
    this.#pieces = tidied([confirmed(text)])
  }

  copy(): Typist {
    const copy = new Typist("")
    copy.#pieces = this.#pieces.map(piece => ({ ...piece }))
    return copy
  }

  /** What the hub has confirmed. */
  confirmed(): string {
    return this.#text(confirmedLength)
  }

  /** What the person sees. */
  shown(): string {
    return this.#text(shownLength)
  }

  /** The person changes what they see, as part of an edit. */
  types(edit: number, changes: readonly TextChange[]): void {
    for (const change of [...changes].reverse()) {
      const index = this.#cut(change.at, shownLength)
      this.#pieces.splice(index, 0, { text: change.insert, maker: edit, deleter: null })
      this.#hide(index + 1, change.delete, edit)
    }
    this.#pieces = tidied(this.#pieces)
  }

  /** The spans of the confirmed text that an edit changes. */
  changesOf(edit: number): TextChange[] {
    return this.#changes(edit, confirmedLength)
  }

  /** The text that the last edit was typed on, and what it changes in it. */
  lastTyped(edit: number): { before: string; changes: TextChange[] } {
    const length: Length = piece =>
      piece.maker === "gone" || piece.maker === edit || (piece.deleter !== null && piece.deleter !== edit)
        ? 0
        : piece.text.length
    return { before: this.#text(length), changes: this.#changes(edit, length) }
  }

  /** Takes in changes of others to the confirmed text; answers what changes in what is shown. */
  takesOthers(changes: readonly TextChange[]): TextChange[] {
    const shown = [...changes]
      .reverse()
      .flatMap(change =>
        this.#replace(change.at, change.delete, change.insert === "" ? [] : [confirmed(change.insert)]).reverse(),
      )
    this.#pieces = tidied(this.#pieces)
    return joined(shown.reverse())
  }

  /** Takes in the event of an edit of ours, where the hub put it. */
  takesOwn(edit: number, changes: readonly TextChange[]): void {
    const before = this.#pieces.map(piece => ({ ...piece }))
    if (!this.#settles(edit, changes)) {
      this.#pieces = before
      this.drop(edit)
      this.takesOthers(changes)
    }
    this.#pieces = tidied(this.#pieces)
  }

  /** An edit is not to be: what it typed goes, what it deleted comes back. */
  drop(edit: number): void {
    const kept = this.#pieces.filter(piece => piece.maker !== edit)
    this.#pieces = tidied(kept.map(piece => (piece.deleter === edit ? { ...piece, deleter: null } : piece)))
  }

  /**
   * Takes in the confirmed text of a snapshot. Whether an unanswered edit is part of it nobody knows yet: it is taken to
   * be if that explains the text with less. Where that guess is wrong, the answer puts it right.
   */
  takesSnapshot(text: string, unanswered: number | null): void {
    const without = difference(this.confirmed(), text, text.length)
    if (unanswered !== null) {
      const own = this.changesOf(unanswered)
      const withOwn = difference(apply(this.confirmed(), own), text, text.length)
      if (extent(own) > 0 && extent(withOwn) < extent(without)) {
        this.takesOwn(unanswered, own)
        return void this.takesOthers(withOwn)
      }
    }
    this.takesOthers(without)
  }

  /** Whether nothing of the edit is left to be confirmed. */
  isDone(edit: number): boolean {
    return this.#pieces.every(piece => piece.maker !== edit && piece.deleter !== edit)
  }

  #text(length: Length): string {
    return this.#pieces.map(piece => (length(piece) > 0 ? piece.text : "")).join("")
  }

  /** Where a piece may be put right behind unit number `at`. */
  #cut(at: number, length: Length): number {
    let left = at
    let index = 0
    while (left > 0) {
      const piece = this.#pieces[index++]
      if (piece === undefined) throw new RangeError("the change is beyond the end of the text")
      if (length(piece) > left) {
        this.#split(index - 1, left)
        return index
      }
      left -= length(piece)
    }
    return index
  }

  #split(index: number, at: number): void {
    const piece = this.#pieces[index]!
    this.#pieces.splice(index, 1, { ...piece, text: piece.text.slice(0, at) }, { ...piece, text: piece.text.slice(at) })
  }

  /** The person deletes `units` of what they see from the piece at `index` on. */
  #hide(index: number, units: number, edit: number): void {
    for (let left = units; left > 0; index++) {
      const whole = this.#pieces[index]
      if (whole === undefined) throw new RangeError("the change is beyond the end of the text")
      if (shownLength(whole) > left) this.#split(index, left)
      const piece = this.#pieces[index]!
      left -= shownLength(piece)
      if (piece.maker === edit) piece.text = ""
      else if (shownLength(piece) > 0) piece.deleter = edit
    }
  }

  /** The confirmed text changes; answers how what is shown does. */
  #replace(at: number, remove: number, insert: Piece[]): TextChange[] {
    const index = this.#cut(at, confirmedLength)
    const end = Math.max(index, this.#cut(at + remove, confirmedLength))
    const behind = this.#typedBehind(index)
    const offset = (until: number) => this.#pieces.slice(0, until).reduce((sum, piece) => sum + shownLength(piece), 0)
    const text = insert.map(piece => (shownLength(piece) > 0 && piece.maker === "hub" ? piece.text : "")).join("")
    const changes: TextChange[] = text === "" ? [] : [{ at: offset(index + behind), delete: 0, insert: text }]
    for (let here = index; here < end; here++) {
      const piece = this.#pieces[here]!
      if (piece.maker !== "hub") continue
      if (shownLength(piece) > 0) changes.push({ at: offset(here), delete: piece.text.length, insert: "" })
    }
    for (const piece of this.#pieces.slice(index, end))
      if (piece.maker === "hub") Object.assign(piece, { maker: "gone", deleter: null })
    this.#pieces.splice(index + behind, 0, ...insert)
    return changes
  }

  #typedBehind(index: number): number {
    let count = 0
    while (typeof this.#pieces[index + count]?.maker === "number") count++
    return count
  }

  /** Whether the event brings exactly what the edit typed and deleted. */
  #settles(edit: number, changes: readonly TextChange[]): boolean {
    const own = this.#lift(edit)
    for (const change of [...changes].reverse()) {
      const pieces = takeLast(own, change.insert)
      if (pieces === null) return false
      this.#replace(change.at, change.delete, pieces)
    }
    return own.length === 0 && this.isDone(edit)
  }

  /** Takes out the pieces of an edit, each with what is pending behind it. */
  #lift(edit: number): Piece[][] {
    const own: Piece[][] = []
    const kept: Piece[] = []
    let lifting = false
    for (const piece of this.#pieces) {
      lifting = piece.maker === edit || (lifting && typeof piece.maker === "number")
      if (piece.maker === edit) own.push([piece])
      else if (lifting) own.at(-1)!.push(piece)
      else kept.push(piece)
    }
    this.#pieces = kept
    return own
  }

  #changes(edit: number, length: Length): TextChange[] {
    const changes: TextChange[] = []
    let at = 0
    for (const piece of this.#pieces) {
      if (piece.maker === edit) changes.push({ at, delete: 0, insert: piece.text })
      else if (length(piece) > 0 && piece.deleter === edit) changes.push({ at, delete: piece.text.length, insert: "" })
      at += length(piece)
    }
    return joined(changes)
  }
}

function confirmed(text: string): Piece {
  return { text, maker: "hub", deleter: null }
}

/** Joins changes that touch: each `at` is then greater than the one before. What stands behind deleted text stays there. */
function joined(changes: readonly TextChange[]): TextChange[] {
  const result: TextChange[] = []
  for (const change of changes) {
    const last = result.at(-1)
    if (last !== undefined && last.at + last.delete === change.at && (last.delete === 0 || change.insert === "")) {
      last.delete += change.delete
      last.insert += change.insert
    } else result.push({ ...change })
  }
  return result
}

/** Takes the last pieces off `own`, which hold exactly `text`, with what is pending behind them; null if they do not. */
function takeLast(own: Piece[][], text: string): Piece[] | null {
  let left = text.length
  const pieces: Piece[] = []
  while (left > 0) {
    const [first, ...behind] = own.pop() ?? []
    if (first === undefined) return null
    const tail = first.text.slice(-left)
    if (tail !== text.slice(left - tail.length, left)) return null
    if (tail.length < first.text.length) own.push([{ ...first, text: first.text.slice(0, -left) }])
    left -= tail.length
    pieces.unshift({ ...first, text: tail, maker: "hub" }, ...behind)
  }
  return pieces
}

/** Joins pieces that are alike, and forgets those that nothing depends on. */
function tidied(pieces: readonly Piece[]): Piece[] {
  const tidy: Piece[] = []
  for (const piece of pieces) {
    if (piece.text === "") continue
    if (tidy.at(-1)?.maker === "gone" && typeof piece.maker !== "number") tidy.pop()
    const last = tidy.at(-1)
    if (last !== undefined && last.maker === piece.maker && last.deleter === piece.deleter) last.text += piece.text
    else tidy.push({ ...piece })
  }
  if (tidy.at(-1)?.maker === "gone") tidy.pop()
  return tidy
}
