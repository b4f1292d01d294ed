// The insert menu: opened by a `/` at the start of a word, narrowed by what is typed behind it.
//
// Promises: the keyboard stays in the text; the menu goes when the caret leaves what opened it.
// Must never: swallow a `/` that is only a `/`: what matches nothing closes it, and stays.

import { convert, divide, insertAfter, type Spot } from "./commands"
import type { Editor } from "./editor"
import type { Field } from "./field"
import { matching, type Kind } from "./kinds"

export type SlashState =
  | { state: "closed" }
  | { state: "open"; field: Field; from: number; kinds: readonly Kind[]; chosen: number; left: number; top: number; bottom: number }

const CLOSED: SlashState = { state: "closed" }

export class Slash {
  private now: SlashState = CLOSED
  private readonly listeners = new Set<() => void>()

  constructor(private readonly editor: Editor) {}

  get state(): SlashState {
    return this.now
  }

  on = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    return () => void this.listeners.delete(listener)
  }

  /** Something was typed. */
  typed(field: Field): void {
    const { at, value } = field
    const opens = value[at - 1] === "/" && (at === 1 || /\s/.test(value[at - 2]!))
    if (this.now.state === "closed" && opens) this.open(field, at - 1)
    else this.moved(field)
  }

  private open(field: Field, from: number): void {
    const { left, top, bottom } = field.caretRect(from)
    this.set({ state: "open", field, from, kinds: matching(""), chosen: 0, left, top, bottom })
  }

  /** The caret moved: more of a name was typed, or it left. */
  moved(field: Field): void {
    if (this.now.state === "closed") return
    const { from } = this.now
    const query = field.value.slice(from + 1, field.at)
    const kinds = matching(query)
    const stays = field === this.now.field && field.at > from && field.value[from] === "/" && kinds.length > 0
    this.set(stays ? { ...this.now, kinds, chosen: 0 } : CLOSED)
  }

  close(): void {
    if (this.now.state === "open") this.set(CLOSED)
  }

  /** Whether the key was for the menu. */
  key(key: string): boolean {
    if (this.now.state === "closed") return false
    const { kinds, chosen } = this.now
    const turn = (by: number): void => this.set({ ...(this.now as SlashState & { state: "open" }), chosen: (chosen + by + kinds.length) % kinds.length })
    if (key === "ArrowDown") turn(1)
    else if (key === "ArrowUp") turn(-1)
    else if (key === "Enter" || key === "Tab") this.choose(kinds[chosen]!)
    else if (key === "Escape") this.close()
    else return false
    return true
  }

  /** Makes the block this kind, if nothing else is in it; else puts one behind it. */
  choose(kind: Kind): void {
    if (this.now.state === "closed") return
    const { field, from } = this.now
    this.close()
    const rest = field.value.slice(0, from) + field.value.slice(field.at)
    this.editor.typing.pause()
    field.cut(from, field.at)
    this.editor.focus.follow(this.place(field.block, kind, rest === ""))
  }

  private place(id: string, kind: Kind, isEmpty: boolean): Spot | null {
    const { project } = this.editor
    const block = project.block(id)
    if (!block) return null
    if (!isEmpty) return insertAfter(project, block, kind.kind)
    return kind.kind === "divider" ? divide(project, block) : convert(project, block, kind.kind)
  }

  private set(state: SlashState): void {
    this.now = state
    this.listeners.forEach((listener) => listener())
  }
}
