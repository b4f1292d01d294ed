// Keeps a project's pending edits in the store, in step with the queue.
//
// One write at a time; what changes while one is under way is written next, once. At most one write per pending edit waits.
// Promises: `stored` is fulfilled when the edit, as it was when asked, is kept, or when the store has failed it.
// Must never: hold an edit back for longer than `STORE_WITHIN_MS` because the store does not answer.

import type { Drafts } from "../api.js"
import type { Pending } from "../project/pending.js"
import type { DraftEdit } from "./draft.js"
import { draftOf } from "./write.js"

/** A store that takes longer is taken to be out of order. */
const STORE_WITHIN_MS = 3_000

export interface KeeperParts {
  project: string
  drafts: Drafts
  /** Who one is; null while nobody was welcomed. */
  user: () => string | null
  /** Asks whoever had the project before to keep all it has; fulfilled when that is done. */
  inherit: () => Promise<unknown>
  /** `working` changed. */
  told: () => void
}

export class Keeper {
  working: "kept" | "failing" = "kept"
  readonly #project: string
  readonly #drafts: Drafts
  readonly #user: () => string | null
  readonly #told: () => void
  /** What is in the store, and what is to be written; by `editId`. */
  readonly #kept = new Set<string>()
  readonly #writes = new Map<string, { draft: DraftEdit | null; done: (() => void)[] }>()
  /** The edits that were made here before the store was read: what it then brings of them is known. */
  #early: Set<string> | null = new Set()
  #running: Promise<void> | null = null
  readonly #inherit: () => Promise<unknown>

  constructor({ project, drafts, user, inherit, told }: KeeperParts) {
    this.#project = project
    this.#drafts = drafts
    this.#user = user
    this.#inherit = inherit
    this.#told = told
  }

  /** This user's drafts; none if the store does not work. */
  async load(): Promise<DraftEdit[]> {
    const user = this.#user()
    const found = (await this.#within(() => this.#inherit().then(() => this.#drafts.load(this.#project)))) ?? []
    const isOurs = (draft: DraftEdit) => draft.format === 1 && (draft.user === null || draft.user === user)
    const own = found.filter(draft => isOurs(draft) && !this.#early?.has(draft.edit))
    this.#early = null
    for (const draft of own) this.#kept.add(draft.edit)
    return own
  }

  /** Keeps an edit as it is now. */
  save(edit: Pending): void {
    this.#kept.add(edit.id)
    this.#early?.add(edit.id)
    const write = this.#writes.get(edit.id)
    const draft = draftOf(this.#project, this.#user(), edit)
    this.#writes.set(edit.id, { draft, done: write?.done ?? [] })
    this.#run()
  }

  /** Fulfilled when nothing of the edit is left to be written. */
  stored(edit: Pending): Promise<void> {
    const write = this.#writes.get(edit.id)
    if (write === undefined || this.working === "failing") return Promise.resolve()
    return new Promise(done => write.done.push(done))
  }

  /** Removes what is not pending any more. */
  keepOnly(queue: readonly Pending[]): void {
    const pending = new Set(queue.map(edit => edit.id))
    for (const id of this.#kept) {
      if (pending.has(id)) continue
      this.#kept.delete(id)
      this.#writes.set(id, { draft: null, done: this.#writes.get(id)?.done ?? [] })
    }
    this.#run()
  }

  /** Fulfilled when nothing is left to be written. */
  written(): Promise<void> {
    return this.#running ?? Promise.resolve()
  }

  #run(): void {
    if (this.#writes.size > 0) this.#running ??= this.#writeAll()
  }

  async #writeAll(): Promise<void> {
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      const [id, { draft, done }] = next
      await this.#within(() => (draft === null ? this.#drafts.remove(this.#project, id) : this.#drafts.save(draft)))
      const since = this.#writes.get(id)
      if (since?.draft === draft) this.#writes.delete(id)
      if (since?.draft === draft) for (const each of done) each()
    }
    this.#running = null
  }

  #next(): [string, { draft: DraftEdit | null; done: (() => void)[] }] | undefined {
    return this.#writes.entries().next().value
  }

  async #within<T>(act: () => Promise<T>): Promise<T | undefined> {
    let timer: ReturnType<typeof setTimeout> | undefined
    const late = new Promise<never>(
      (_, reject) => (timer = setTimeout(() => reject(new Error("the store does not answer")), STORE_WITHIN_MS)),
    )
    try {
      const result = await Promise.race([act(), late])
      this.#become("kept")
      return result
    } catch {
      this.#become("failing")
      return undefined
    } finally {
      clearTimeout(timer)
    }
  }

  #become(working: "kept" | "failing"): void {
    if (this.working === working) return
    this.working = working
    this.#told()
  }
}
