// What the application does becomes pending edits.
//
// Promises: an edit shows at once; what breaks a rule that can be seen here becomes a rejected edit and shows nowhere.
// Plain typing in one string joins the edit of it that still waits.
// Must never: change an edit that is fixed.

import type { EditOptions, Transaction } from "../api.js"
import type { TextChange } from "../protocol.js"
import type { Document } from "./document.js"
import { AT_ONCE, EditHandle, Pending } from "./pending.js"
import { Gathering, Refused } from "./transaction.js"

/** How long typing is gathered before it is sent. */
const TYPING_MS = 100
/** Edits that are pending at most; one more is rejected. */
export const PENDING_MAX = 10_000

export type Made =
  { made: "new" | "more"; edit: Pending } | { made: "rejected"; handle: EditHandle; code: string; message: string }

export class Editing {
  readonly #document: Document
  #made = 0

  constructor(document: Document) {
    this.#document = document
  }

  /** Several ops as one edit. What `change` itself throws is thrown. */
  make(change: (tx: Transaction) => void, options: EditOptions, inMs = 0): Made {
    if (this.#document.queue.length >= PENDING_MAX) return this.refuse("busy", "Too many edits are unsaved.")
    const number = this.#made++ // Its own from the start: `change` may make other edits.
    const gathering = new Gathering(this.#document, number)
    try {
      change(gathering)
    } catch (error) {
      gathering.takeBack()
      if (error instanceof Refused) return this.refuse("invalid_edit", error.message)
      throw error
    }
    return this.#add(number, gathering, options, inMs)
  }

  /** Typing in one string. */
  type(block: string, pointer: string, changes: readonly TextChange[], options: EditOptions): Made {
    const last = this.#document.queue.findLast(edit => edit.touches(block))
    if (last === undefined || !joins(last, pointer, options))
      return this.make(tx => tx.text(block, pointer, changes), options, TYPING_MS)
    try {
      new Gathering(this.#document, last.number).text(block, pointer, changes)
    } catch (error) {
      if (error instanceof Refused) return this.refuse("invalid_edit", error.message)
      throw error
    }
    this.#document.retype(last)
    return { made: "more", edit: last }
  }

  /** An edit that is not even tried. */
  refuse(code: string, message: string): Made {
    return { made: "rejected", handle: new EditHandle(crypto.randomUUID(), new Date()), code, message }
  }

  #add(number: number, gathering: Gathering, { group, onConflict = "merge" }: EditOptions, inMs: number): Made {
    const { ops } = gathering
    const bases = new Map([...new Set(ops.map(op => op.block))].map(block => [block, this.#document.baseOf(block)]))
    const handle = new EditHandle(crypto.randomUUID(), new Date())
    const phase = { phase: "waiting", from: Date.now() + inMs } as const
    const edit = new Pending({
      number,
      handle,
      group,
      onConflict,
      ops,
      bases,
      epoch: this.#document.epoch,
      phase,
    })
    this.#document.add(edit)
    return { made: "new", edit }
  }
}

/** Whether typing may join an edit: one that waits for its time, types in this string alone, and was meant alike. */
function joins(edit: Pending, pointer: string, { group, onConflict = "merge" }: EditOptions): boolean {
  const typing = edit.typesOnly()
  return (
    edit.phase.phase === "waiting" &&
    edit.phase.from !== AT_ONCE &&
    typing?.pointer === pointer &&
    typing.ground.on !== "nothing" &&
    edit.group === group &&
    edit.onConflict === onConflict
  )
}
