// Keeps a project's pending edits in the store, in step with the queue.
//
// One write at a time; what changes while one is under way is written next, once. At most one write per pending edit waits.
// What the store would not take is offered again, one with each later write.
// Promises: `stored` is fulfilled when the edit, as it was when asked, is kept, or when the store has failed it.
// Must never: hold an edit back for longer than `STORE_WITHIN_MS` because the store does not answer.

import type { Drafts } from "../api.js"
import { EditHandle, type Pending } from "../project/pending.js"
import type { DraftEdit } from "./draft.js"
import { draftOf, type Unsaved } from "./write.js"

/** A store that takes longer is taken to be out of order. */
const STORE_WITHIN_MS = 3_000

/** `draft`: null to remove it. `done`: who waits for it. */
interface Write {
  draft: DraftEdit | null
  done: (() => void)[]
}
type Outcome<T> = { answer: "kept"; value: T } | { answer: "failing" }

export interface KeeperParts {
  project: string
  drafts: Drafts
  /** Who one is; null while nobody was welcomed. */
  user: () => string | null
  /** `working` changed. */
  told: () => void
}

export class Keeper {
  /** The store's last answer, and what was told of `working` last. */
  #answer: "kept" | "failing" = "kept"
  #said: "kept" | "failing" = "kept"
  /** What the store would not take, by `editId`; it is not in the store as long as it is here. */
  readonly #refused = new Map<string, DraftEdit | null>()
  readonly #project: string
  readonly #drafts: Drafts
  readonly #user: () => string | null
  readonly #told: () => void
  /** What is in the store, or should be, and what is to be written; by `editId`. */
  readonly #kept = new Map<string, Unsaved>()
  readonly #writes = new Map<string, Write>()
  /** The edits that were here before the store was read: what it then brings of them is known. Null: it was read. */
  #early: Set<string> | null = new Set()
  #running: Promise<void> | null = null

  constructor({ project, drafts, user, told }: KeeperParts) {
    this.#project = project
    this.#drafts = drafts
    this.#user = user
    this.#told = told
  }

  /** Whether everything is in the store that should be. */
  get working(): "kept" | "failing" {
    return this.#refused.size > 0 ? "failing" : this.#answer
  }

  /** Tells `found` this user's drafts, once: before this is fulfilled, or later if the store takes too long. */
  async load(found: (drafts: readonly DraftEdit[]) => void): Promise<void> {
    const user = this.#user()
    const isOurs = (draft: DraftEdit) => draft.format === 1 && (draft.user === null || draft.user === user)
    const { answer } = await this.#within(async () => {
      const drafts = await this.#drafts.load(this.#project)
      this.#heard("kept")
      found(drafts.filter(isOurs))
    })
    this.#heard(answer)
  }

  /** What the store brought is pending here from now on: what of it is not known here already. */
  adopt(drafts: readonly DraftEdit[]): Unsaved[] {
    const early = this.#early
    if (early === null) return [] // It was asked twice, for it took too long.
    this.#early = null
    const unknown = drafts.filter(draft => !early.has(draft.edit))
    const unsaved = unknown.map(draft => ({ draft, handle: new EditHandle(draft.edit, new Date(draft.at)) }))
    for (const each of unsaved) this.#kept.set(each.draft.edit, each)
    return unsaved
  }

  /** What another room had unsaved is pending here from now on; it is written again: the store may have refused it. */
  inherit(unsaved: readonly Unsaved[]): void {
    for (const { draft, handle } of unsaved) this.#keep(draft, handle)
  }

  /** All that is kept and still unsaved. */
  unsaved(): Unsaved[] {
    return [...this.#kept.values()].filter(({ handle }) => handle.state.status === "pending")
  }

  /** Keeps an edit as it is now. */
  save(edit: Pending): void {
    this.#keep(draftOf(this.#project, this.#user(), edit), edit.handle)
  }

  /** Fulfilled when nothing of the edit is left to be written. */
  stored(edit: Pending): Promise<void> {
    const write = this.#writes.get(edit.id)
    if (write === undefined || this.#answer === "failing") return Promise.resolve()
    return new Promise(done => write.done.push(done))
  }

  /** Removes what is not pending any more. */
  keepOnly(queue: readonly Pending[]): void {
    const pending = new Set(queue.map(edit => edit.id))
    for (const id of this.#kept.keys()) {
      if (pending.has(id)) continue
      this.#kept.delete(id)
      this.#writes.set(id, { draft: null, done: this.#writes.get(id)?.done ?? [] })
    }
    this.#run()
  }

  #keep(draft: DraftEdit, handle: EditHandle): void {
    this.#kept.set(draft.edit, { draft, handle })
    this.#early?.add(draft.edit)
    this.#writes.set(draft.edit, { draft, done: this.#writes.get(draft.edit)?.done ?? [] })
    this.#run()
  }

  #run(): void {
    const [again] = this.#refused
    if (again !== undefined && !this.#writes.has(again[0])) this.#writes.set(again[0], { draft: again[1], done: [] })
    if (this.#writes.size > 0) this.#running ??= this.#writeAll()
  }

  async #writeAll(): Promise<void> {
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      const [id, write] = next
      const { draft } = write
      const { answer } = await this.#within(() =>
        draft === null ? this.#drafts.remove(this.#project, id) : this.#drafts.save(draft),
      )
      this.#refused.delete(id)
      if (answer === "failing") this.#refused.set(id, draft)
      this.#heard(answer)
      const isLast = this.#writes.get(id)?.draft === draft
      if (isLast) this.#writes.delete(id)
      if (isLast) letGo(write)
      if (answer === "failing") for (const each of this.#writes.values()) letGo(each)
    }
    this.#running = null
  }

  #next(): [string, Write] | undefined {
    return this.#writes.entries().next().value
  }

  async #within<T>(act: () => Promise<T>): Promise<Outcome<T>> {
    let timer: ReturnType<typeof setTimeout> | undefined
    const late = new Promise<never>(
      (_, reject) => (timer = setTimeout(() => reject(new Error("the store does not answer")), STORE_WITHIN_MS)),
    )
    try {
      return { answer: "kept", value: await Promise.race([act(), late]) }
    } catch {
      return { answer: "failing" }
    } finally {
      clearTimeout(timer)
    }
  }

  #heard(answer: "kept" | "failing"): void {
    this.#answer = answer
    if (this.working === this.#said) return
    this.#said = this.working
    this.#told()
  }
}

/** Nobody waits for this write any more. */
function letGo({ done }: Write): void {
  for (const each of done.splice(0)) each()
}
