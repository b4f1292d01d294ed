// Unsaved edits kept in IndexedDB, shared by all tabs of an origin.
//
// Each draft belongs to a tab, which holds a Web Lock in its name until it is closed or gone. Whoever opens a project takes
// the drafts of tabs that are. Where there are no Web Locks, a draft that was not written for `ORPHANED_MS` counts as
// left behind; taking one of a tab that lives does no harm, for an edit applies once however often it is sent ([ED2]).
//
// Promises: as `Drafts`.
// Must never: take a draft of a tab that is known to live.

import type { Drafts } from "../api.js"
import type { DraftEdit } from "./draft.js"

const DATABASE = "blockhub-drafts"
const LOCK = "blockhub-tab-"
const ORPHANED_MS = 60_000
/** How long a page that was just left may take to let go of its lock. */
const LET_GO_WITHIN_MS = 1_000

interface Kept {
  edit: string
  project: string
  tab: string
  at: number
  draft: DraftEdit
}

export class IndexedDbDrafts implements Drafts {
  readonly #tab = crypto.randomUUID()
  #database: Promise<IDBDatabase> | null = null
  #lock: Promise<void> | null = null
  #letGo: () => void = () => {}

  async load(project: string): Promise<DraftEdit[]> {
    await (this.#lock ??= this.#live())
    const isGone = await this.#gone()
    return this.#write(store => {
      const found: DraftEdit[] = []
      store.index("project").openCursor(project).onsuccess = event => {
        const cursor = (event.target as IDBRequest<IDBCursorWithValue | null>).result
        if (cursor === null) return
        const kept = cursor.value as Kept
        if (kept.tab === this.#tab || isGone(kept)) {
          found.push(kept.draft)
          cursor.update({ ...kept, tab: this.#tab })
        }
        cursor.continue()
      }
      return () => found
    })
  }

  async save(draft: DraftEdit): Promise<void> {
    const kept: Kept = { edit: draft.edit, project: draft.project, tab: this.#tab, at: Date.now(), draft }
    await this.#write(store => void store.put(kept))
  }

  async remove(_project: string, edit: string): Promise<void> {
    await this.#write(store => void store.delete(edit))
  }

  /** This tab's client is closed, though the page may live on: another client may take what is unsaved. */
  close(): void {
    this.#letGo()
    this.#lock = null
  }

  async #write<T>(act: (store: IDBObjectStore) => (() => T) | void): Promise<T> {
    const database = await this.#open()
    return written(this.#begin(database), act)
  }

  #open(): Promise<IDBDatabase> {
    this.#database ??= opened(() => (this.#database = null))
    this.#database.catch(() => (this.#database = null))
    return this.#database
  }

  /** A connection on which nothing can be begun is of no use any more: the next call opens another. */
  #begin(database: IDBDatabase): IDBTransaction {
    try {
      return database.transaction("edits", "readwrite")
    } catch (error) {
      this.#database = null
      throw error
    }
  }

  /** Says that this tab lives, and waits a little for the page that was here before to be gone. */
  async #live(): Promise<void> {
    const locks = globalThis.navigator?.locks
    if (locks === undefined) return
    const before = remembered(this.#tab)
    const closed = new Promise<void>(letGo => (this.#letGo = letGo))
    await new Promise<void>(held => void locks.request(LOCK + this.#tab, () => (held(), closed)))
    if (before !== null)
      await locks.request(LOCK + before, { signal: AbortSignal.timeout(LET_GO_WITHIN_MS) }, () => {}).catch(() => {})
  }

  async #gone(): Promise<(kept: Kept) => boolean> {
    const locks = globalThis.navigator?.locks
    if (locks === undefined) return kept => Date.now() - kept.at > ORPHANED_MS
    const held = new Set((await locks.query()).held?.map(lock => lock.name))
    return kept => !held.has(LOCK + kept.tab)
  }
}

/** The tab's name of before, from which a reload takes over. */
function remembered(tab: string): string | null {
  try {
    const before = sessionStorage.getItem(DATABASE)
    sessionStorage.setItem(DATABASE, tab)
    return before
  } catch {
    return null // A page without storage, or none: its drafts are found by their locks alone.
  }
}

/** `lost`: told when the connection is closed, by the browser or for a newer version. */
function opened(lost: () => void): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1)
    request.onupgradeneeded = () =>
      request.result.createObjectStore("edits", { keyPath: "edit" }).createIndex("project", "project")
    request.onerror = () => reject(request.error)
    request.onsuccess = () => {
      const database = request.result
      database.onclose = lost
      database.onversionchange = () => {
        database.close()
        lost()
      }
      resolve(database)
    }
  })
}

/** Done once the transaction is on disk. */
function written<T>(transaction: IDBTransaction, act: (store: IDBObjectStore) => (() => T) | void): Promise<T> {
  return new Promise((resolve, reject) => {
    const result = act(transaction.objectStore("edits"))
    transaction.oncomplete = () => resolve(result?.() as T)
    transaction.onerror = transaction.onabort = () => reject(transaction.error)
  })
}
