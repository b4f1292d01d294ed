// Keeps a project's pending edits in the store, in step with the queue.
//
// One write at a time; what changes while one is under way is written next, once. At most one write per pending edit waits.
// What the store would not take is offered again, one with each later write.
// Promises: `stored` is fulfilled when the edit, as it was when asked, is kept, or when the store has failed it.
// Must never: hold an edit back for longer than `STORE_WITHIN_MS` because the store does not answer.

import type { Drafts } from "../api.js"
import type { Pending } from "../project/pending.js"
import type { DraftEdit } from "./draft.js"
import { draftOf } from "./write.js"

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
  /** Asks whoever had the project before to keep all it has; fulfilled when that is done. */
  inherit: () => Promise<unknown>
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
  /** What is in the store, and what is to be written; by `editId`. */
  readonly #kept = new Set<string>()
  readonly #writes = new Map<string, Write>()
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

  /** Whether everything is in the store that should be. */
  get working(): "kept" | "failing" {
    return this.#refused.size > 0 ? "failing" : this.#answer
  }

  /** This user's drafts; none if the store does not work. */
  async load(): Promise<DraftEdit[]> {
    const user = this.#user()
    const outcome = await this.#within(() => this.#inherit().then(() => this.#drafts.load(this.#project)))
    this.#heard(outcome.answer)
    const found = outcome.answer === "kept" ? outcome.value : []
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
    if (write === undefined || this.#answer === "failing") return Promise.resolve()
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
