// A project's blocks as one sees them: the confirmed ones with the pending edits on top.
//
// `take` an event, `install` a snapshot, `add` an edit, tell it what became of one: after each of these `shown` is what
// one sees, and `changed` was told what of it is new. It reads no clock and sends nothing.
//
// Promises: events are taken in by seq, without hole; once no edit is pending, what is shown is what is confirmed.
// Must never: lose a pending edit but by `settle`, `reject` or its event.

import type { EditRejected } from "../errors.js"
import { leaves, overlap, parsePointer, patchOf, patched, textAt, type Path } from "../json.js"
import type { Block, EditMessage, Event, EventOp } from "../protocol.js"
import { apply } from "../text/changes.js"
import { apart, Typings, type TextMove, type Typing } from "../text/typing.js"
import { clashesWithEvent, clashesWithSnapshot } from "./clash.js"
import { applyOp, sameBlock } from "./layer.js"
import { messageOf } from "./message.js"
import { heldBase, typesOnConfirmed, type Base, type Pending, type PendingOp } from "./pending.js"
import { Tree } from "./tree.js"

/** What changed of what one sees. */
export interface Change {
  /** The blocks that changed, as they were. */
  before: ReadonlyMap<string, Block | undefined>
  /** The parents whose lists are new. */
  lists: ReadonlySet<string | null>
  moves: readonly TextMove[]
  /** The own edit that was just made, if that is why. */
  typed: Pending | null
}

/** A string, and the block's version if the text is the confirmed one. */
type TextAt = Pick<Typing, "block" | "pointer" | "path" | "version">

/** An event that does not come next: what is missing has to be asked for. */
export class Gap extends Error {}

export class Document {
  epoch: string | null = null
  seq = 0
  readonly typings = new Typings()
  readonly shown = new Tree()
  /** In the order in which they were made. */
  readonly queue: Pending[] = []
  #confirmed = new Tree()
  #layer = new Tree(this.#confirmed)
  readonly #moved = new Set<Pending>()
  readonly #project: string
  readonly #changed: (change: Change) => void

  constructor(project: string, changed: (change: Change) => void) {
    this.#project = project
    this.#changed = changed
  }

  confirmed(id: string): Block | undefined {
    return this.#confirmed.get(id)
  }

  find(editId: string): Pending | undefined {
    return this.queue.find(edit => edit.id === editId)
  }

  /** What a block's new edit is judged against. */
  baseOf(block: string): Base {
    const seen = this.#confirmed.get(block)
    return { version: seen?.version ?? 0, seen, follows: "confirmed" }
  }

  /** Appends an edit. */
  add(edit: Pending): void {
    this.queue.push(edit)
    this.retype(edit)
  }

  /** Shows what was added to the last edit of its blocks. */
  retype(edit: Pending): void {
    for (const op of edit.ops) applyOp(this.#layer, op)
    this.#show(new Set(), [], edit)
  }

  /** A layer to try new ops on: what they do there nobody sees. */
  scratch(): Tree {
    return new Tree(this.#layer)
  }

  /** What a new change to a shown string is typed in. */
  typingIn(block: string, pointer: string, path: Path, text: string): Typing {
    const at = { block, pointer, path, version: this.baseOf(block).version }
    return this.#typingOnEdits(at, text) ?? this.typings.begin({ ...at, ground: { on: "confirmed" } }, text)
  }

  /** What a change is put back in: the same, or what was typed on the confirmed text since. */
  typingBackIn(at: TextAt, text: string): Typing {
    const held = this.#typingOnEdits(at, text) ?? this.typings.onConfirmed(at.block, at.pointer)
    return held ?? this.typings.begin({ ...at, ground: { on: "confirmed" } }, text)
  }

  /** Fixes a waiting edit as the message that will be sent. */
  fix(edit: Pending): EditMessage {
    const message = messageOf(this.#project, edit.epoch, edit)
    const texts = edit.ops.map(op => (op.op === "text" ? op.typing.typist.confirmed() : null))
    edit.phase = { phase: "sent", message, texts }
    return message
  }

  /** Takes in the next event; one that was taken in before is passed over. Throws Gap. */
  take(event: Event): "taken" | "known" {
    if (event.seq <= this.seq) return "known"
    if (event.seq !== this.seq + 1 || event.ops === undefined)
      throw new Gap(`event ${event.seq} came after ${this.seq}`)
    const own = this.find(event.editId)
    const touched = new Set<string>()
    const moves = event.ops.flatMap(op => this.#takeOp(op, own, touched))
    this.seq = event.seq
    for (const block of touched) this.#rebase(block, event.ops, own)
    if (own !== undefined) this.#remove(own)
    own?.handle.save(event.seq)
    this.#redo(touched, moves)
    return "taken"
  }

  /** Takes in a whole snapshot. Waiting edits that it may clash with are fixed on the base that their author saw. */
  install(epoch: string, seq: number, blocks: readonly Block[]): void {
    const next = Tree.of(blocks)
    this.seq = seq
    for (const edit of [...this.queue]) this.#recallAck(edit, epoch, next)
    this.queue.forEach((edit, index) => this.#rebaseOn(next, epoch, edit, this.queue.slice(0, index)))
    const touched = new Set([...this.#confirmed.touched(), ...blocks.map(block => block.id)])
    this.epoch = epoch
    this.#confirmed = next
    for (const typing of this.typings.all()) this.#ground(typing)
    this.#redo(touched, [])
  }

  /** An edit is in the database. What is shown of it goes when its event, or a snapshot with it, is here. */
  ack(edit: Pending, seq: number): void {
    edit.handle.save(seq)
    if (seq > this.seq) {
      if (edit.phase.phase === "sent") edit.phase = { ...edit.phase, phase: "acked", seq }
      return
    }
    this.#finish(edit, this.#confirmed)
    this.#redo(edit.blocks(), [])
  }

  /** An edit is not to be, and neither is what was built on it. Answers all that go. */
  reject(edit: Pending, code: string, message: string): Pending[] {
    const going = this.#builtOn(edit)
    for (const each of going) {
      for (const op of each.ops) if (op.op === "text") op.typing.typist.drop(each.number)
      this.#remove(each)
      each.handle.reject(code, message)
    }
    this.#redo(new Set(), [])
    return going
  }

  /** Edits were put back into the queue: they are judged by what is confirmed, if anything is. */
  returned(): void {
    if (this.epoch === null) this.redo()
    else this.install(this.epoch, this.seq, this.#confirmed.inOrder())
  }

  /** An edit's ops have been replaced. */
  redo(): void {
    this.typings.keep(this.#typingsInUse())
    this.#redo(new Set(), [])
  }

  /** The waiting edits whose base moved since this was asked last. */
  moved(): Pending[] {
    const moved = [...this.#moved].filter(edit => this.queue.includes(edit) && edit.phase.phase === "waiting")
    this.#moved.clear()
    return moved
  }

  /** What was typed later on a string that an edit replaces with all of it goes with that edit. */
  absorb(into: Pending): Pending[] {
    const lost = this.queue.filter(
      edit =>
        edit !== into &&
        edit.phase.phase === "waiting" &&
        into.touches(edit.ops[0]!.block) &&
        edit.typesOnly()?.ground.on === "nothing",
    )
    for (const edit of lost) {
      this.#remove(edit)
      into.handle.saved.then(
        ({ seq }) => edit.handle.save(seq),
        (error: EditRejected) => edit.handle.reject(error.code, error.message),
      )
    }
    return lost
  }

  /** The typing of the last pending edit that has to do with a string. */
  #typingOnEdits(at: TextAt, text: string): Typing | undefined {
    for (const edit of [...this.queue].reverse()) {
      for (const op of edit.ops.filter(op => op.block === at.block)) {
        if (op.op === "text" && op.pointer === at.pointer && op.typing.ground.on !== "nothing") return op.typing
        if (makesString(op, at.path)) return this.typings.begin({ ...at, ground: { on: "edit", edit: edit.number } }, text)
      }
    }
    return undefined
  }

  #takeOp(op: EventOp, own: Pending | undefined, touched: Set<string>): TextMove[] {
    if (op.op === "delete") {
      this.#confirmed.change(new Map(op.blocks.map(id => [id, undefined])))
      for (const id of op.blocks) {
        touched.add(id)
        this.typings.uproot(id, () => true)
      }
      return []
    }
    const id = op.op === "insert" ? op.block.id : op.block
    touched.add(id)
    const moves: TextMove[] = []
    const block = op.op === "insert" ? op.block : this.#next(id, op, own, moves)
    this.#confirmed.put(block)
    if (op.op === "update") this.typings.uproot(id, path => leaves(op.patch).some(leaf => overlap(leaf, path)))
    if (own !== undefined) this.typings.land(own.number, block)
    this.typings.follow(block)
    return moves
  }

  #next(
    id: string,
    op: EventOp & { op: "update" | "text" | "move" },
    own: Pending | undefined,
    moves: TextMove[],
  ): Block {
    const block = this.#confirmed.get(id)
    if (block === undefined) throw new Gap(`there is no block ${id} here`)
    if (op.op === "move") return { ...block, version: op.version, parent: op.parent, position: op.position }
    if (op.op === "update") return { ...block, version: op.version, content: patched(block.content, op.patch) }
    const path = parsePointer(op.path)
    const typing = this.typings.onConfirmed(id, op.path)
    if (own !== undefined) typing?.typist.takesOwn(own.number, op.changes)
    else moves.push({ block: id, pointer: op.path, changes: typing?.typist.takesOthers(op.changes) ?? op.changes })
    const text = apply(textAt(block.content, path) ?? "", op.changes)
    return { ...block, version: op.version, content: patched(block.content, patchOf(path, text)) }
  }

  /** What waits follows the confirmed block, unless an event of others clashes with it. */
  #rebase(block: string, ops: readonly EventOp[], own: Pending | undefined): void {
    for (const edit of this.queue) {
      const base = edit.bases.get(block)
      if (edit === own || edit.phase.phase !== "waiting" || base === undefined || base.follows === "held") continue
      const isGone = this.#confirmed.get(block) === undefined
      const clashes =
        isGone || (own === undefined && ops.some(op => isOn(op, block) && clashesWithEvent(edit, block, op)))
      edit.bases.set(block, clashes && base.seen !== undefined ? heldBase(base) : this.baseOf(block))
      this.#moved.add(edit)
    }
  }

  /** What was acked is part of the snapshot; or, if history was lost, perhaps of nothing: then it is sent again. */
  #recallAck(edit: Pending, epoch: string, next: Tree): void {
    if (edit.phase.phase !== "acked") return
    if (this.epoch !== epoch) edit.phase = { ...edit.phase, phase: "sent" }
    else if (edit.phase.seq <= this.seq) this.#finish(edit, next)
  }

  #rebaseOn(next: Tree, epoch: string, edit: Pending, before: readonly Pending[]): void {
    if (edit.phase.phase !== "waiting") return
    const clashing = (isIn: (op: PendingOp) => boolean) =>
      [...edit.bases].flatMap(([id, base]) => {
        const [ops, now] = [edit.ops.filter(op => op.block === id && isIn(op)), next.get(id)]
        const isSame = now !== undefined && now.version === base.seen?.version && edit.epoch === epoch
        if (base.seen === undefined || ops.length === 0 || isSame) return []
        return base.follows === "held" || clashesWithSnapshot(edit, ops, base.seen, now, before) ? [id] : []
      })
    const canGo = isCountedOnBase(edit) && !before.some(earlier => edit.dependsOn(earlier))
    if (canGo && clashing(() => true).length > 0) return void this.fix(edit)
    const held = new Set(clashing(op => !typesOnConfirmed(op)))
    if (held.size > 0 && edit.epoch !== epoch) return holdAll(edit)
    for (const [id, base] of edit.bases) edit.bases.set(id, held.has(id) ? heldBase(base) : baseIn(next, id, base))
    edit.epoch = epoch
  }

  /** Puts what was typed on the string that a snapshot brought. */
  #ground(typing: Typing): void {
    if (typing.ground.on !== "confirmed") return
    const block = this.#confirmed.get(typing.block)
    const text = block && textAt(block.content, typing.path)
    if (text === undefined) return void (typing.ground = { on: "nothing" })
    this.typings.follow(block!)
    const sent = this.queue.find(
      edit => edit.phase.phase === "sent" && edit.ops.some(op => op.op === "text" && op.typing === typing),
    )
    typing.typist.takesSnapshot(text, sent?.number ?? null)
  }

  /** An edit is part of these blocks. */
  #finish(edit: Pending, tree: Tree): void {
    for (const op of edit.ops) if (op.op === "text") op.typing.typist.drop(edit.number)
    this.#remove(edit)
    for (const id of edit.blocks()) {
      const block = tree.get(id)
      if (block !== undefined) this.typings.land(edit.number, block)
      if (block !== undefined && tree === this.#confirmed) this.#rebase(id, [], edit)
    }
  }

  #builtOn(edit: Pending): Pending[] {
    const going = [edit]
    for (const later of this.queue.slice(this.queue.indexOf(edit) + 1)) {
      const born = new Set(
        going.flatMap(each =>
          each.ops.filter(op => op.op === "insert" && this.#confirmed.get(op.block) === undefined).map(op => op.block),
        ),
      )
      const numbers = new Set(going.map(each => each.number))
      const isOn = later.ops.some(
        op => born.has(op.block) || ("parent" in op && op.parent !== null && born.has(op.parent)),
      )
      const lost = new Set(
        going.flatMap(each =>
          each.ops.flatMap(op => (op.op === "text" && op.typing.ground.on === "nothing" ? [op.typing] : [])),
        ),
      )
      const typesOn = later.ops.some(
        op =>
          op.op === "text" &&
          (lost.has(op.typing) || (op.typing.ground.on === "edit" && numbers.has(op.typing.ground.edit))),
      )
      if (isOn || typesOn) going.push(later)
    }
    return going
  }

  #remove(edit: Pending): void {
    const index = this.queue.indexOf(edit)
    if (index >= 0) this.queue.splice(index, 1)
    this.typings.keep(this.#typingsInUse())
  }

  #typingsInUse(): Set<Typing> {
    return new Set(this.queue.flatMap(each => each.ops.flatMap(op => (op.op === "text" ? [op.typing] : []))))
  }

  #redo(touched: ReadonlySet<string>, moves: readonly TextMove[]): void {
    const before = this.#layer
    this.#layer = new Tree(this.#confirmed)
    for (const edit of this.queue) for (const op of edit.ops) applyOp(this.#layer, op)
    this.#show(new Set([...touched, ...before.touched()]), moves, null)
  }

  /** Brings what is shown up to the layer, keeping every block that looks the same. */
  #show(touched: ReadonlySet<string>, moves: readonly TextMove[], typed: Pending | null): void {
    const next = new Map<string, Block | undefined>()
    const before = new Map<string, Block | undefined>()
    for (const id of [...touched, ...this.#layer.touched()]) {
      const [is, was] = [this.#layer.get(id), this.shown.get(id)]
      if (sameBlock(is, was)) continue
      next.set(id, is)
      before.set(id, was)
    }
    if (next.size === 0) return
    const lists = this.shown.change(next)
    this.#changed({ before, lists, moves, typed })
  }
}

/** Whether an op puts a string of its own at a path. */
function makesString(op: PendingOp, path: Path): boolean {
  return op.op === "insert" || (op.op === "update" && leaves(op.patch).some(leaf => overlap(leaf, path)))
}

/** The base that follows a snapshot; what is not in it keeps the one it had. */
function baseIn(next: Tree, id: string, base: Base): Base {
  const seen = next.get(id)
  return { version: seen?.version ?? base.version, seen: seen ?? base.seen, follows: "confirmed" }
}

/** An edit names one log: where one of its bases cannot follow into another, none does, and neither does its typing. */
function holdAll(edit: Pending): void {
  for (const [id, base] of edit.bases) edit.bases.set(id, heldBase(base))
  edit.ops = edit.ops.map(op => (op.op === "text" ? { ...op, typing: apart(op.typing, edit.number) } : op))
}

/** Whether what an edit types is counted on the very text of its base. */
function isCountedOnBase(edit: Pending): boolean {
  return edit.ops.every(op => {
    const seen = edit.bases.get(op.block)?.seen
    return (
      op.op !== "text" ||
      (op.typing.ground.on !== "edit" &&
        seen !== undefined &&
        textAt(seen.content, op.path) === op.typing.typist.confirmed())
    )
  })
}

function isOn(op: EventOp, block: string): boolean {
  if (op.op === "delete") return op.blocks.includes(block)
  return (op.op === "insert" ? op.block.id : op.block) === block
}
