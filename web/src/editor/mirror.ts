// The layer under a text field: the same text in the same letters, unseen, with the carets of others in it. It gives
// the field its height, and tells where on the screen a character stands.
//
// Promises: carets stand between the characters they belong to, however the lines break.
// Must never: be read out or take a click; put text in but as text.

import type { Caret } from "./carets"

/** A last line that is empty has a height by this. */
const END = "\u200b"

export class Mirror {
  private readonly flags = new Map<string, HTMLElement>()
  private text = ""

  constructor(private readonly layer: HTMLElement) {
    this.draw("", [])
  }

  draw(text: string, carets: readonly Caret[]): void {
    this.text = text
    const only = this.layer.firstChild
    if (carets.length === 0 && this.flags.size === 0 && only instanceof Text && !only.nextSibling) only.data = text + END
    else this.layer.replaceChildren(...this.parts(text, carets))
    this.layer.closest(".line")?.toggleAttribute("data-visited", carets.length > 0)
    for (const connection of this.flags.keys()) if (!carets.some((caret) => caret.connection === connection)) this.flags.delete(connection)
  }

  private parts(text: string, carets: readonly Caret[]): Node[] {
    const ends = carets.flatMap((caret) => [caret.at, caret.end])
    const cuts = [...new Set([0, ...ends.map((end) => Math.min(end, text.length)), text.length])].sort((a, b) => a - b)
    return cuts.flatMap((from, index) => {
      const here = carets.filter((caret) => Math.min(caret.end, text.length) === from).map((caret) => this.flag(caret))
      const until = cuts[index + 1]
      return until === undefined ? [...here, new Text(END)] : [...here, stretch(text, from, until, carets)]
    })
  }

  /** The same element for the same caret, so that it does not blink anew with each letter. */
  private flag(caret: Caret): HTMLElement {
    const flag = this.flags.get(caret.connection) ?? document.createElement("span")
    this.flags.set(caret.connection, flag)
    flag.className = caret.fresh ? "caret caret-fresh" : "caret"
    flag.dataset["person"] = caret.colour
    flag.dataset["name"] = caret.name
    return flag
  }

  /** Where the place before character `at` is on the screen: no wider than a line. */
  rect(at: number): DOMRect {
    const range = document.createRange()
    const [node, offset] = this.find(at)
    range.setStart(node, offset)
    range.setEnd(node, Math.min(offset + 1, node.data.length))
    const [first] = range.getClientRects()
    return first ?? range.getBoundingClientRect()
  }

  private find(at: number): [Text, number] {
    const walk = document.createTreeWalker(this.layer, NodeFilter.SHOW_TEXT)
    let left = at
    let found: Text | null = null
    for (let node = walk.nextNode(); node instanceof Text; node = walk.nextNode()) {
      if (left < node.data.length) return [node, left]
      left -= node.data.length
      found = node
    }
    return [found!, found!.data.length - 1]
  }

  /** Whether the caret stands on the first line, or the last, as the lines break now. */
  isOnLine(at: number, line: "first" | "last"): boolean {
    const edge = this.rect(line === "first" ? 0 : this.text.length)
    return Math.abs(this.rect(at).top - edge.top) < edge.height / 2
  }

  /** The place on the first or last line that is nearest to `x`. */
  nearest(x: number, line: "first" | "last"): number {
    const step = line === "first" ? 1 : -1
    const start = line === "first" ? 0 : this.text.length
    let best = start
    for (let at = start; at >= 0 && at <= this.text.length && this.isOnLine(at, line); at += step) {
      if (Math.abs(this.rect(at).left - x) <= Math.abs(this.rect(best).left - x)) best = at
    }
    return best
  }
}

/** Text from one cut to the next, marked if somebody has selected it. */
function stretch(text: string, from: number, until: number, carets: readonly Caret[]): Node {
  const words = new Text(text.slice(from, until))
  const by = carets.find((caret) => Math.min(caret.at, caret.end) <= from && Math.max(caret.at, caret.end) >= until)
  if (!by || by.at === by.end) return words
  const mark = document.createElement("span")
  mark.className = "selected"
  mark.dataset["person"] = by.colour
  mark.append(words)
  return mark
}
