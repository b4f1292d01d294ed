// One block's text on the page: a plain text field over a mirror of its text. React makes the two elements and never
// touches them again; while one types, this object alone does.
//
// Promises: what is typed goes to the client as the change it is; what others type comes in around the caret, which
//   stays beside the character it stood at; a composition is never disturbed.
// Must never: set the field's text when it is right already.

import { difference, shift, type Edit, type TextChange } from "@blockhub/client"
import type { CaretHost } from "./carets"
import { applied } from "./changes"
import type { Editor } from "./editor"
import type { Aim, Focusable } from "./focus"
import { Held } from "./held"
import { textOf } from "./kinds"
import { Mirror } from "./mirror"

/** After others moved one's caret, its new place is told when it was quiet for so long. */
const SETTLED_MS = 1_000

type Mode = { state: "typing" } | { state: "composing"; held: Held }

export class Field implements Focusable, CaretHost {
  readonly mirror: Mirror
  private text = ""
  private mode: Mode = { state: "typing" }
  private place = { at: 0, end: 0 }
  private unsaved: { changes: readonly TextChange[]; edit: Edit }[] = []
  private settled: ReturnType<typeof setTimeout> | undefined

  constructor(readonly editor: Editor, readonly block: string, private readonly area: HTMLTextAreaElement, layer: HTMLElement) {
    this.mirror = new Mirror(layer)
    this.text = textOf(editor.project.block(block))
    this.area.value = this.text
    this.draw()
  }

  /** Takes part until the answer is called. */
  open(): () => void {
    const { project, focus, carets } = this.editor
    const stops = [
      project.onText(this.block, "/text", (changes) => this.take(changes)),
      project.on(`block:${this.block}`, () => this.take(null)),
      carets.host(this.block, this),
      focus.add(this.block, this),
    ]
    this.take(null)
    return () => {
      stops.forEach((stop) => stop())
      clearTimeout(this.settled)
      document.removeEventListener("selectionchange", this.looked)
    }
  }

  get value(): string {
    return this.text
  }

  get at(): number {
    return this.area.selectionStart
  }

  get end(): number {
    return this.area.selectionEnd
  }

  /** The field's text was changed by its owner. */
  typed(): void {
    const changes = difference(this.text, this.area.value, this.area.selectionStart)
    if (changes.length === 0) return
    this.text = this.area.value
    this.place = { at: this.at, end: this.end }
    this.editor.carets.moved(this.block, changes, "before")
    this.draw()
    this.send(this.mode.state === "composing" ? this.mode.held.pass(changes) : changes)
  }

  /** Puts text in place of what is selected, as if it had been typed. */
  write(text: string): void {
    this.area.setRangeText(text, this.at, this.end, "end")
    this.typed()
  }

  /** The insert menu is wanted, and this is a button for it. */
  insert(text: string): void {
    const isInWord = this.at > 0 && /\S/.test(this.text[this.at - 1]!)
    this.write(isInWord ? ` ${text}` : text)
    this.editor.slash.typed(this)
  }

  /** Takes text out, as if its owner had. */
  cut(at: number, end: number): void {
    this.area.setSelectionRange(at, end)
    this.write("")
  }

  private send(changes: readonly TextChange[]): void {
    const { project, typing } = this.editor
    const isText = typeof project.block(this.block)?.content["text"] === "string"
    const options = { group: typing.group(this.block) }
    const edit = isText ? project.text(this.block, "/text", changes, options) : project.update(this.block, { text: this.text }, options)
    const waiting = { changes, edit }
    this.unsaved.push(waiting)
    const done = (): void => {
      this.unsaved = this.unsaved.filter((each) => each !== waiting)
      if (this.unsaved.length === 0) this.tell()
    }
    // What was refused is not in the document: it goes from the field too, or all that follows would be counted wrong.
    edit.saved.then(done, () => (done(), this.take(null)))
  }

  /** The text became another, by `changes` if they are known. */
  private take(changes: readonly TextChange[] | null): void {
    if (this.mode.state === "composing") {
      if (changes) this.mode.held.hold(changes)
      return
    }
    const block = this.editor.project.block(this.block)
    const text = textOf(block)
    if (!block || text === this.text) return
    const known = changes && applied(this.text, changes) === text ? changes : difference(this.text, text, text.length)
    this.show(text, shift(this.at, known, "before"), shift(this.end, known, "before"))
    this.editor.carets.moved(this.block, known, "after")
    this.draw()
  }

  private show(text: string, at: number, end: number): void {
    const direction = this.area.selectionDirection
    this.text = text
    this.area.value = text
    this.place = { at, end }
    if (document.activeElement !== this.area) return
    this.area.setSelectionRange(at, end, direction)
    clearTimeout(this.settled)
    this.settled = setTimeout(() => this.tell(), SETTLED_MS)
  }

  composes(): void {
    if (this.mode.state === "typing") this.mode = { state: "composing", held: new Held() }
  }

  composed(): void {
    if (this.mode.state !== "composing") return
    this.typed()
    const { held } = this.mode
    const [at, end] = [held.carry(this.at), held.carry(this.end)]
    this.mode = { state: "typing" }
    const text = textOf(this.editor.project.block(this.block))
    if (text === this.text) return
    this.show(text, at, end)
    this.draw()
  }

  private draw(): void {
    this.mirror.draw(this.text, this.editor.carets.in(this.block))
  }

  // ---- carets of others

  carets(): void {
    this.draw()
  }

  shown(at: number): number {
    return this.unsaved.reduce((place, each) => shift(place, each.changes, "before"), at)
  }

  // ---- the keyboard

  focused(): void {
    document.addEventListener("selectionchange", this.looked)
    this.tell()
  }

  blurred(): void {
    document.removeEventListener("selectionchange", this.looked)
    this.editor.slash.close()
  }

  /** The caret may have moved by key or hand; while something is typed, it is told when that is saved. */
  private readonly looked = (): void => {
    if (document.activeElement !== this.area) return
    if (this.at === this.place.at && this.end === this.place.end) return
    this.place = { at: this.at, end: this.end }
    this.editor.slash.moved(this)
    if (this.unsaved.length === 0) this.tell()
  }

  private tell(): void {
    if (document.activeElement !== this.area) return
    const back = this.area.selectionDirection === "backward"
    const [at, end] = back ? [this.end, this.at] : [this.at, this.end]
    this.editor.point(at === end ? { block: this.block, at } : { block: this.block, at, end })
  }

  focus(aim: Aim): void {
    this.area.focus()
    const at = typeof aim === "number" ? Math.min(aim, this.text.length) : this.mirror.nearest(aim.x, aim.line)
    this.area.setSelectionRange(at, at)
  }

  select(at: number, end: number): void {
    this.area.focus({ preventScroll: true })
    this.area.setSelectionRange(at, end)
  }

  selection(): { at: number; end: number } | null {
    return document.activeElement === this.area ? { at: this.at, end: this.end } : null
  }

  /** The menu with this id belongs to the field until the answer is called. */
  controls(menu: string): () => void {
    this.area.setAttribute("aria-controls", menu)
    return () => ["aria-controls", "aria-activedescendant"].forEach((name) => this.area.removeAttribute(name))
  }

  /** The line of the menu that Enter would take. */
  means(option: string): void {
    this.area.setAttribute("aria-activedescendant", option)
  }

  isOnLine(line: "first" | "last"): boolean {
    return this.at === this.end && this.mirror.isOnLine(this.at, line)
  }

  /** Where the caret is on the screen. */
  caretRect(at: number): DOMRect {
    return this.mirror.rect(at)
  }
}
