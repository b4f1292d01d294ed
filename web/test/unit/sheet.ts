// A project on a sheet of paper: blocks in a tree, and edits that change it at once, for testing commands.
//
// Promises: each edit counts; ops of one edit are applied in order.
// Must never: know of hubs.

import type { Block, Project, Transaction } from "@blockhub/client"
import { applied } from "../../src/editor/changes"

export class Sheet implements Transaction {
  edits = 0
  private readonly all = new Map<string, Block>()
  private readonly order = new Map<string | null, string[]>()

  /** Lines such as `text: One`, with two spaces for each parent; the text is the block's id. */
  constructor(...lines: readonly string[]) {
    const above: string[] = []
    for (const line of lines) {
      const [, spaces, kind, text] = /^( *)([^:]+)(?:: (.*))?$/.exec(line)!
      const depth = spaces!.length / 2
      const id = text ?? kind!
      this.insert({ id, kind: kind!, parent: above[depth - 1] ?? null, after: this.order.get(above[depth - 1] ?? null)?.at(-1) ?? null, content: text === undefined ? {} : { text } })
      above[depth] = id
    }
    this.edits = 0
  }

  /** What is on it, as the constructor takes it. */
  lines(parent: string | null = null, indent = ""): string[] {
    return this.children(parent).flatMap((block) => {
      const text = block.content["text"]
      return [`${indent}${block.kind}${typeof text === "string" ? `: ${text}` : ""}`, ...this.lines(block.id, `${indent}  `)]
    })
  }

  asProject(): Project {
    return this as unknown as Project
  }

  block(id: string): Block | undefined {
    return this.all.get(id)
  }

  children(parent: string | null): readonly Block[] {
    return (this.order.get(parent) ?? []).map((id) => this.all.get(id)!)
  }

  edit(change: (tx: Transaction) => void): void {
    this.edits += 1
    change(this)
  }

  insert(block: Parameters<Transaction["insert"]>[0]): string {
    const { id = crypto.randomUUID(), kind, parent = null, after = null, content = {} } = block
    this.all.set(id, { id, kind, parent, position: "", content, version: 1 })
    this.put(id, parent, after)
    return id
  }

  update(block: string, patch: Block["content"]): void {
    const before = this.all.get(block)!
    this.all.set(block, { ...before, content: { ...before.content, ...patch } })
  }

  text(block: string, _path: string, changes: Parameters<Transaction["text"]>[2]): void {
    const { text } = this.all.get(block)!.content
    this.update(block, { text: applied(text as string, changes) })
  }

  move(block: string, to: { parent: string | null; after: string | null }): void {
    this.takeOut(block)
    this.all.set(block, { ...this.all.get(block)!, parent: to.parent })
    this.put(block, to.parent, to.after)
  }

  delete(block: string): void {
    this.children(block).forEach((child) => this.delete(child.id))
    this.takeOut(block)
    this.all.delete(block)
  }

  private put(id: string, parent: string | null, after: string | null): void {
    const list = this.order.get(parent) ?? []
    list.splice(after === null ? 0 : list.indexOf(after) + 1, 0, id)
    this.order.set(parent, list)
  }

  private takeOut(id: string): void {
    const { parent } = this.all.get(id)!
    this.order.set(parent, this.order.get(parent)!.filter((each) => each !== id))
  }
}
