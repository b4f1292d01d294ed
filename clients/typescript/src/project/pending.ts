// An edit of ours that the confirmed blocks do not hold yet.
//
// Its life: waiting (may still grow, and follows the confirmed blocks) → sent (fixed as a message, stored, sent again
// unchanged until it is answered) → acked (in the database; its event is on its way) or asking (a conflict is being
// settled) → gone.
//
// Promises: `saved` is settled once.
// Must never: change a message once it is fixed.

import { EditRejected } from "../errors.js"
import type { Edit, EditStatus } from "../api.js"
import type { Path } from "../json.js"
import type { Block, EditMessage, JsonObject, OnConflict } from "../protocol.js"
import type { Typing } from "../text/typing.js"

/** An op as it is, whether it waits here or is kept. */
export type PlainOp =
  /** `near`: the position it was given last, for when `after` is not there any more. */
  | {
      op: "insert"
      block: string
      kind: string
      parent: string | null
      after: string | null
      content: JsonObject
      near: string | null
    }
  | { op: "update"; block: string; patch: JsonObject }
  | { op: "move"; block: string; parent: string | null; after: string | null; near: string | null }
  | { op: "delete"; block: string }

export type PendingOp = PlainOp | { op: "text"; block: string; pointer: string; path: Path; typing: Typing }

/** The version that an edit's changes to a block are judged against. */
export interface Base {
  version: number
  /** The block as it was then; undefined if an unsaved edit makes it. */
  seen: Block | undefined
  /** `held`: somebody changed the same since, so that it must not follow the confirmed block. */
  follows: "confirmed" | "held"
}

/** `from` of what goes as soon as it can, and as it is: no typing joins it any more. */
export const AT_ONCE = 0

export type Phase =
  | { phase: "waiting"; from: number /* ms since 1970: not to be sent before */ }
  /** `texts`: for each op that types, the confirmed text that it is counted on. */
  | { phase: "sent"; message: EditMessage; texts: (string | null)[] }
  | { phase: "acked"; message: EditMessage; texts: (string | null)[]; seq: number }
  | { phase: "asking"; message: EditMessage; texts: (string | null)[] }

export class Pending {
  /** In the order in which they were made, over all edits of the project. */
  readonly number: number
  readonly handle: EditHandle
  readonly group: string | undefined
  onConflict: OnConflict
  ops: PendingOp[]
  bases: Map<string, Base>
  /** Which log the bases belong to; null if the project was never joined. */
  epoch: string | null
  phase: Phase

  constructor(from: Pick<Pending, "number" | "handle" | "group" | "onConflict" | "ops" | "bases" | "epoch" | "phase">) {
    this.number = from.number
    this.handle = from.handle
    this.group = from.group
    this.onConflict = from.onConflict
    this.ops = from.ops
    this.bases = from.bases
    this.epoch = from.epoch
    this.phase = from.phase
  }

  get id(): string {
    return this.handle.id
  }

  touches(block: string): boolean {
    return this.ops.some(op => op.block === block)
  }

  inserts(block: string): boolean {
    return this.ops.some(op => op.op === "insert" && op.block === block)
  }

  blocks(): Set<string> {
    return new Set(this.ops.map(op => op.block))
  }

  /** Whether this edit cannot be judged before `earlier` is: they touch a block both, or this names one it places. */
  dependsOn(earlier: Pending): boolean {
    const places = new Set(earlier.ops.flatMap(op => (op.op === "update" || op.op === "text" ? [] : [op.block])))
    return this.ops.some(op => earlier.touches(op.block) || named(op).some(id => places.has(id)))
  }

  /** The string that it is nothing but typing in, if so. */
  typesOnly(): Typing | null {
    const [op, ...more] = this.ops
    return op?.op === "text" && more.length === 0 ? op.typing : null
  }
}

/** The same base, which does not follow the confirmed block (any more). */
export function heldBase(base: Base): Base {
  return { ...base, follows: "held" }
}

/** Whether an op types in a confirmed text: it is then counted on that, whatever came since the base. */
export function typesOnConfirmed(op: PendingOp): boolean {
  return op.op === "text" && op.typing.ground.on === "confirmed"
}

/** The blocks beside its own that an op needs. */
export function named(op: PendingOp): string[] {
  return op.op === "insert" || op.op === "move" ? [op.parent, op.after].filter(id => id !== null) : []
}

/** What the application holds of an edit. */
export class EditHandle implements Edit {
  readonly at: Date
  readonly saved: Promise<{ seq: number }>
  #id: string
  #state: EditStatus = { status: "pending" }
  #settle: { resolve: (saved: { seq: number }) => void; reject: (error: EditRejected) => void }

  constructor(id: string, at: Date) {
    this.#id = id
    this.at = at
    const { promise, ...settle } = withResolvers<{ seq: number }>()
    this.saved = promise
    this.saved.catch(() => {}) // `sync` tells; who wants to know more listens to `saved`.
    this.#settle = settle
  }

  get id(): string {
    return this.#id
  }

  get state(): EditStatus {
    return this.#state
  }

  /** It goes on under a new `editId`: what it was before is not to be. */
  renew(id: string): void {
    this.#id = id
  }

  save(seq: number): void {
    if (this.#state.status !== "pending") return
    this.#state = { status: "saved", seq }
    this.#settle.resolve({ seq })
  }

  reject(code: string, message: string): void {
    if (this.#state.status !== "pending") return
    this.#state = { status: "rejected", code, message }
    this.#settle.reject(new EditRejected(code, message))
  }
}

/** `Promise.withResolvers`, which Node 20 has not. */
export function withResolvers<T>(): {
  promise: Promise<T>
  resolve: (value: T) => void
  reject: (error: Error) => void
} {
  let resolve!: (value: T) => void
  let reject!: (error: Error) => void
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}
