// Where the others' carets are, block by block.
//
// Promises: a caret moves with the text it stands in until its owner tells a new place; only fields with a change are told.
// Must never: hold a caret of somebody who has left.

import { shift, type Member, type Project, type TextChange } from "@blockhub/client"
import { colourOf, nameOf } from "../project/people"

export interface Caret {
  readonly connection: string
  readonly name: string
  readonly colour: string
  /** Where the selection begins, and where the caret is; the same if nothing is selected. */
  readonly at: number
  readonly end: number
  /** Whether it moved lately, so that its name is shown. */
  readonly fresh: boolean
}

/** What members tell of themselves. */
export interface Cursor {
  readonly block: string
  readonly at: number
  readonly end?: number
}

/** A field that shows carets. */
export interface CaretHost {
  carets(carets: readonly Caret[]): void
  /** Where a place in the confirmed text stands in what is shown here. */
  shown(at: number): number
}

/** How long a caret that moved shows its owner's name. */
const NAME_MS = 2_500

interface Standing {
  readonly told: Cursor
  readonly caret: Caret
  readonly block: string
}

export class Carets {
  private readonly hosts = new Map<string, CaretHost>()
  private readonly standing = new Map<string, Standing>()
  private readonly timers = new Map<string, ReturnType<typeof setTimeout>>()

  constructor(private readonly project: Project) {}

  /** Follows the members until the answer is called. */
  follow(): () => void {
    const stop = this.project.on("members", () => this.look())
    this.look()
    return () => {
      stop()
      this.timers.forEach((timer) => clearTimeout(timer))
    }
  }

  host(block: string, host: CaretHost): () => void {
    this.hosts.set(block, host)
    this.tell(block)
    return () => void (this.hosts.get(block) === host && this.hosts.delete(block))
  }

  /** The text of a block changed; `side` is where carets go that stand at an insertion. */
  moved(block: string, changes: readonly TextChange[], side: "before" | "after"): void {
    for (const [connection, at] of this.standing) {
      if (at.block !== block) continue
      const caret = { ...at.caret, at: shift(at.caret.at, changes, side), end: shift(at.caret.end, changes, side) }
      this.standing.set(connection, { ...at, caret })
    }
  }

  in(block: string): readonly Caret[] {
    return [...this.standing.values()].filter((each) => each.block === block).map((each) => each.caret)
  }

  private look(): void {
    const touched = new Set<string>()
    const here = new Map(this.project.members.filter((member) => !member.self).map((member) => [member.connection, member]))
    for (const [connection, { block }] of this.standing) {
      if (cursorOf(here.get(connection))) continue
      this.forget(connection)
      touched.add(block)
    }
    for (const member of here.values()) this.place(member, touched)
    touched.forEach((block) => this.tell(block))
  }

  private forget(connection: string): void {
    this.standing.delete(connection)
    clearTimeout(this.timers.get(connection))
    this.timers.delete(connection)
  }

  private place(member: Member, touched: Set<string>): void {
    const told = cursorOf(member)
    const before = this.standing.get(member.connection)
    if (!told || (before && same(before.told, told))) return
    if (before) touched.add(before.block)
    touched.add(told.block)
    const host = this.hosts.get(told.block)
    const shown = (at: number): number => host?.shown(at) ?? at
    const { connection, user } = member
    const caret = { connection, name: nameOf(user), colour: colourOf(user.id), at: shown(told.at), end: shown(told.end ?? told.at), fresh: true }
    this.standing.set(connection, { told, caret, block: told.block })
    clearTimeout(this.timers.get(connection))
    this.timers.set(connection, setTimeout(() => this.rest(connection), NAME_MS))
  }

  private rest(connection: string): void {
    const at = this.standing.get(connection)
    if (!at) return
    this.standing.set(connection, { ...at, caret: { ...at.caret, fresh: false } })
    this.tell(at.block)
  }

  private tell(block: string): void {
    this.hosts.get(block)?.carets(this.in(block))
  }
}

/** What a member says of their caret, if it is what this page says. */
export function cursorOf(member: Member | undefined): Cursor | null {
  const state = member?.state
  if (state === null || typeof state !== "object" || Array.isArray(state)) return null
  const cursor = state["cursor"]
  if (cursor === null || typeof cursor !== "object" || Array.isArray(cursor)) return null
  const { block, at, end } = cursor
  if (typeof block !== "string" || !isPlace(at)) return null
  return isPlace(end) ? { block, at, end } : { block, at }
}

function isPlace(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0
}

function same(one: Cursor, other: Cursor): boolean {
  return one.block === other.block && one.at === other.at && one.end === other.end
}
