// Events as people tell them: who did what, what belongs together in one line.
//
// Promises: pure; every event is in exactly one run.
// Must never: tie two people's work together.

import type { Event, EventOp, User } from "@blockhub/client"

/** Events of one person in a row, without a long pause. */
export interface Run {
  readonly actor: User
  /** The first and the last of them. */
  readonly from: number
  readonly to: number
  /** When the last one was. */
  readonly at: Date
  readonly what: string
}

/** A pause of this length begins another run. */
const PAUSE_MS = 60_000
/** A run is never longer: a day's typing is more than one line. */
const RUN_MAX = 40

/** Runs, newest first, of events in any order. */
export function runsOf(events: readonly Event[]): readonly Run[] {
  const groups: Event[][] = []
  for (const event of [...events].sort((one, other) => one.seq - other.seq)) {
    const group = groups.at(-1)
    if (group && goesOn(group, event)) group.push(event)
    else groups.push([event])
  }
  return groups.map(runOf).reverse()
}

function goesOn(group: readonly Event[], event: Event): boolean {
  const last = group.at(-1)!
  const isNear = Date.parse(event.at) - Date.parse(last.at) < PAUSE_MS
  return isNear && group.length < RUN_MAX && last.actor.id === event.actor.id && last.seq + 1 === event.seq
}

function runOf(group: readonly Event[]): Run {
  const [first, last] = [group[0]!, group.at(-1)!]
  return { actor: first.actor, from: first.seq, to: last.seq, at: new Date(last.at), what: wordsFor(group) }
}

/** What the events did, in a few words. */
export function wordsFor(events: readonly Event[]): string {
  const ops = events.flatMap((event) => event.ops ?? [])
  const said = [
    counted(blocksOf(ops, "text"), "wrote in"),
    counted(blocksOf(ops, "insert"), "added"),
    counted(blocksOf(ops, "update"), "changed"),
    counted(blocksOf(ops, "move"), "moved"),
    counted(blocksOf(ops, "delete"), "deleted"),
  ].filter((words) => words !== "")
  if (said.length === 0) return "changed something large"
  return said.length === 1 ? said[0]! : `${said.slice(0, -1).join(", ")} and ${said.at(-1)!}`
}

function counted(blocks: ReadonlySet<string>, verb: string): string {
  if (blocks.size === 0) return ""
  return blocks.size === 1 ? `${verb} a block` : `${verb} ${blocks.size} blocks`
}

function blocksOf(ops: readonly EventOp[], kind: EventOp["op"]): ReadonlySet<string> {
  return new Set(ops.filter((op) => op.op === kind).flatMap(touched))
}

/** The blocks that an event changed. */
export function changedBy(event: Event | undefined): ReadonlySet<string> {
  return new Set((event?.ops ?? []).flatMap(touched))
}

function touched(op: EventOp): readonly string[] {
  if (op.op === "insert") return [op.block.id]
  return op.op === "delete" ? op.blocks : [op.block]
}
