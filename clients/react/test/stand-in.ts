// A project that a test holds in its hand: what the hooks read, and changes that are told as the client tells them.
//
// Promises: blocks and lists are new objects exactly when they changed.
// Must never: be more than what the hooks use.

import type { Block, Project } from "@blockhub/client"

type Told = "state" | "members" | "sync"

export class StandIn {
  readonly id = "project"
  state: Project["state"] = { state: "joining" }
  title = ""
  role: Project["role"] = null
  access: Project["access"] = null
  seq = 0
  members: Project["members"] = []
  sync: Project["sync"] = { unsaved: 0, since: null, edits: [], drafts: "kept" }
  closed = 0
  readonly told: unknown[] = []
  private blocks = new Map<string, Block>()
  private lists = new Map<string, readonly Block[]>()
  private readonly listeners = new Map<string, Set<() => void>>()

  on(key: string, listener: () => void): () => void {
    const those = this.listeners.get(key) ?? new Set()
    this.listeners.set(key, those.add(listener))
    return () => void those.delete(listener)
  }

  /** How many listen. */
  get heard(): number {
    return [...this.listeners.values()].reduce((sum, those) => sum + those.size, 0)
  }

  block(id: string): Block | undefined {
    return this.blocks.get(id)
  }

  children(parent: string | null): readonly Block[] {
    return this.lists.get(parent ?? "") ?? NONE
  }

  setPresence(state: unknown): void {
    this.told.push(state)
  }

  close(): void {
    this.closed += 1
  }

  /** Puts blocks under `parent`, in this order. */
  place(parent: string | null, blocks: readonly Block[]): void {
    blocks.forEach((block) => this.blocks.set(block.id, block))
    this.lists.set(parent ?? "", blocks)
    this.tell(`children:${parent ?? ""}`)
  }

  /** A block has another text. */
  write(id: string, text: string): void {
    const block = { ...this.blocks.get(id)!, content: { text } }
    this.blocks.set(id, block)
    const key = block.parent ?? ""
    this.lists.set(key, this.children(block.parent).map((each) => (each.id === id ? block : each)))
    this.tell(`block:${id}`)
    this.tell(`children:${key}`)
  }

  change(key: Told, part: Partial<Pick<StandIn, "state" | "title" | "role" | "seq" | "members" | "sync">>): void {
    Object.assign(this, part)
    this.tell(key)
  }

  asProject(): Project {
    return this as unknown as Project
  }

  private tell(key: string): void {
    this.listeners.get(key)?.forEach((listener) => listener())
  }
}

const NONE: readonly Block[] = []

export function textBlock(id: string, text: string, parent: string | null = null): Block {
  return { id, kind: "text", parent, position: id, content: { text }, version: 1 }
}
