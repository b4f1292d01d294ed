// Unsaved edits kept in memory: for Node, for tests, for browsers without a working IndexedDB.
//
// Promises: as `Drafts`; what is loaded is a copy.
// Must never: outlive the process: that is what is lost.

import type { Drafts } from "../api.js"
import type { DraftEdit } from "./draft.js"

export class MemoryDrafts implements Drafts {
  readonly #edits = new Map<string, DraftEdit>()

  async load(project: string): Promise<DraftEdit[]> {
    return [...this.#edits.values()].filter(edit => edit.project === project).map(edit => structuredClone(edit))
  }

  async save(edit: DraftEdit): Promise<void> {
    this.#edits.set(edit.edit, structuredClone(edit))
  }

  async remove(_project: string, edit: string): Promise<void> {
    this.#edits.delete(edit)
  }
}
