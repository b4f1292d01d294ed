// A project as the application holds it: what one sees, what one does, what one hears.
//
// Promises: the face of `Project` in api.ts; listeners are called after everything of one change is in place.
// Must never: decide what becomes of an edit; that is the room's.

import type {
  ConflictHandler,
  Drafts,
  Edit,
  EditOptions,
  InsertBlock,
  Member,
  Project,
  ProjectKey,
  ProjectState,
  ReceivedSignal,
  Sync,
  Transaction,
  UndoOutcome,
} from "../api.js"
import { Keeper } from "../drafts/keeper.js"
import type { Unsaved } from "../drafts/write.js"
import type { Http } from "../http.js"
import { Listeners } from "../listeners.js"
import { member, Presence } from "../presence.js"
import type { Access, Block, Event, Json, JsonObject, ProjectInfo, Role, ServerMessage, TextChange } from "../protocol.js"
import type { Socket } from "../socket.js"
import { Document } from "./document.js"
import { Editing, type Made } from "./editing.js"
import type { EditHandle } from "./pending.js"
import { Questions } from "./questions.js"
import { Room } from "./room.js"
import { Telling } from "./telling.js"
import { Time } from "./time.js"

/** Rejected edits that `sync` remembers. */
const REJECTED_MAX = 100

export interface ProjectParts {
  id: string
  socket: Socket
  http: Http
  drafts: Drafts
  random: () => number
  /** The application closed it; until `finished` something of it may be unsaved. */
  closed: () => void
  finished: () => void
  /** Ends what lingers of the project since it was closed before, and takes over what is unsaved of that. */
  inherit: () => Unsaved[]
}

export class OpenProject implements Project {
  readonly id: string
  readonly #parts: ProjectParts
  readonly #document: Document
  readonly #editing: Editing
  readonly #room: Room
  readonly #keeper: Keeper
  readonly #presence: Presence
  readonly #time: Time
  readonly #telling = new Telling()
  readonly #events = new Listeners<"event", [Event]>()
  readonly #signals = new Listeners<"signal", [ReceivedSignal]>()
  #life: "open" | "closed" = "open"
  #rejected: readonly EditHandle[] = []
  #sync: Sync | null = null
  #blocks: readonly Block[] | null = null

  constructor(parts: ProjectParts) {
    const { id, socket, drafts, random, inherit } = parts
    this.id = id
    this.#parts = parts
    this.#document = new Document(id, change => {
      this.#blocks = null
      this.#telling.blocks(change, block => this.block(block))
    })
    this.#editing = new Editing(this.#document)
    this.#presence = new Presence(state => socket.send({ type: "presence", project: id, state }))
    this.#keeper = new Keeper({
      project: id,
      drafts,
      user: () => (socket.state.state === "open" ? socket.state.user.id : null),
      told: () => this.#syncChanged(),
    })
    const questions = new Questions(socket, () => this.#room.state.state === "live", random)
    this.#time = new Time({
      project: id,
      document: this.#document,
      questions,
      hurry: () => this.#room.sending.hurry(),
      changed: () => this.#syncChanged(),
    })
    this.#room = new Room({
      project: id,
      document: this.#document,
      socket,
      keeper: this.#keeper,
      presence: this.#presence,
      questions,
      random,
      inherit,
      events: {
        changed: () => this.#telling.keys.tell("state"),
        informed: () => this.#telling.keys.tell("info"),
        event: event => this.#events.tell("event", event),
        edits: () => this.#syncChanged(),
        rejected: edits => this.#wereRejected(edits.map(edit => edit.handle)),
        swallowed: edit => this.#time.stack.lost(edit.handle),
        members: () => this.#telling.keys.tell("members"),
        finished: () => parts.finished(),
      },
    })
  }

  get state(): ProjectState {
    return this.#room.state
  }
  get title(): string {
    return this.#room.facts.title
  }
  get role(): Role | null {
    return this.#room.facts.role
  }
  get access(): Access | null {
    return this.#room.facts.access
  }
  get epoch(): string | null {
    return this.#document.epoch
  }
  get seq(): number {
    return this.#document.seq
  }
  get members(): readonly Member[] {
    return this.#presence.members
  }
  get undoable(): boolean {
    return this.#time.stack.undoable
  }
  get redoable(): boolean {
    return this.#time.stack.redoable
  }

  block(id: string): Block | undefined {
    return this.#document.shown.get(id)
  }

  children(parent: string | null): readonly Block[] {
    return this.#document.shown.children(parent)
  }

  get blocks(): readonly Block[] {
    return (this.#blocks ??= this.#document.shown.inOrder())
  }

  get sync(): Sync {
    if (this.#sync !== null) return this.#sync
    const unsaved = this.#document.queue.map(edit => edit.handle).filter(edit => edit.state.status === "pending")
    const since = unsaved.reduce<Date | null>((first, { at }) => (first === null || at < first ? at : first), null)
    return (this.#sync = {
      unsaved: unsaved.length,
      since,
      edits: [...this.#rejected, ...unsaved],
      drafts: this.#keeper.working,
    })
  }

  on(key: ProjectKey, listener: () => void): () => void {
    return this.#telling.keys.on(key, listener)
  }

  onEvent(listener: (event: Event) => void): () => void {
    return this.#events.on("event", listener)
  }

  onText(block: string, path: string, listener: (changes: readonly TextChange[]) => void): () => void {
    return this.#telling.onText(block, path, listener)
  }

  onSignal(listener: (signal: ReceivedSignal) => void): () => void {
    return this.#signals.on("signal", listener)
  }

  onConflict(handler: ConflictHandler): () => void {
    const { sending } = this.#room
    sending.handler = handler
    return () => {
      if (sending.handler === handler) sending.handler = null
    }
  }

  edit(change: (tx: Transaction) => void, options: EditOptions = {}): Edit {
    return this.#submit(this.#refusal() ?? this.#editing.make(change, options))
  }

  insert(block: InsertBlock, options: EditOptions = {}): Edit & { block: string } {
    const id = block.id ?? crypto.randomUUID()
    return Object.assign(
      this.edit(tx => tx.insert({ ...block, id }), options),
      { block: id.toLowerCase() },
    )
  }

  update(block: string, patch: JsonObject, options: EditOptions = {}): Edit {
    return this.edit(tx => tx.update(block, patch), options)
  }

  text(block: string, path: string, changes: readonly TextChange[], options: EditOptions = {}): Edit {
    return this.#submit(this.#refusal() ?? this.#editing.type(block, path, changes, options))
  }

  move(block: string, to: { parent: string | null; after: string | null }, options: EditOptions = {}): Edit {
    return this.edit(tx => tx.move(block, to), options)
  }

  delete(block: string, options: EditOptions = {}): Edit {
    return this.edit(tx => tx.delete(block), options)
  }

  undo(): Promise<UndoOutcome> {
    return this.#time.step("undo")
  }

  redo(): Promise<UndoOutcome> {
    return this.#time.step("redo")
  }

  restore(seq: number): Promise<{ seq: number }> {
    return this.#time.restore(seq)
  }

  history(options: { before?: number; limit?: number } = {}): Promise<{ events: Event[]; more: boolean }> {
    return this.#time.history(options)
  }

  at(seq: number): Promise<{ seq: number; blocks: Block[] }> {
    return this.#parts.http.blocks(this.id, seq)
  }

  setPresence(state: Json): void {
    if (this.#life === "open") this.#presence.set(state)
  }

  signal(event: string, data?: Json): void {
    if (this.state.state === "live")
      this.#parts.socket.send({ type: "signal", project: this.id, event, ...(data === undefined ? {} : { data }) })
  }

  info(): Promise<ProjectInfo> {
    return this.#parts.http.info(this.id)
  }

  rename(title: string): Promise<void> {
    return this.#parts.http.change(this.id, { title })
  }

  setAccess(access: Access): Promise<void> {
    return this.#parts.http.change(this.id, { access })
  }

  setTheme(theme: string | null): Promise<void> {
    return this.#parts.http.change(this.id, { theme: theme ?? "" })
  }

  remove(): Promise<void> {
    return this.#parts.http.remove(this.id)
  }

  close(): void {
    if (this.#life === "closed") return
    this.#life = "closed"
    this.#parts.closed()
    this.#room.close()
    this.#telling.end()
    for (const listeners of [this.#events, this.#signals]) listeners.end()
  }

  /** Closes it, and leaves whatever is unsaved: that stays kept. */
  end(): void {
    this.close()
    this.#room.end()
  }

  /** Ends it in favour of an heir, which saves what is unsaved; what becomes of that is told here too. */
  handOver(): Unsaved[] {
    this.end()
    const unsaved = this.#keeper.unsaved()
    const told = () => this.#syncChanged()
    for (const { handle } of unsaved) handle.saved.then(told, told)
    return unsaved
  }

  /** The connection is open. */
  opened(): void {
    void this.#room.opened()
  }

  /** The connection is lost. */
  lost(): void {
    this.#room.lost()
  }

  /** The largest edit that was under way when the connection was lost, to be given up. */
  largest(): { bytes: number; giveUp: () => void } | null {
    const { sending } = this.#room
    const largest = sending.largest()
    return largest && { bytes: largest.bytes, giveUp: () => sending.giveUp(largest.edit) }
  }

  /** A message about this project that answers nothing. */
  take(message: ServerMessage): void {
    const { state } = this.#parts.socket
    if (state.state !== "open") return
    if (this.#life === "closed") return this.#room.take(message)
    if (message.type === "presence") {
      this.#presence.take(message.updates, state.connection)
      this.#telling.keys.tell("members")
    } else if (message.type === "signal") {
      const { event, data, from } = message
      this.#signals.tell("signal", {
        event,
        from: member(from, state.connection),
        ...(data === undefined ? {} : { data }),
      })
    } else this.#room.take(message)
  }

  /** Why nothing can be edited here, if so. */
  #refusal(): Made | null {
    if (this.state.state === "left")
      return this.#editing.refuse(this.state.reason === "deleted" ? "not_found" : "forbidden", "The project was left.")
    return this.role === "viewer" ? this.#editing.refuse("forbidden", "A viewer cannot edit.") : null
  }

  #submit(made: Made): EditHandle {
    if (made.made === "rejected") {
      made.handle.reject(made.code, made.message)
      this.#wereRejected([made.handle])
      return made.handle
    }
    if (made.made === "new") this.#time.stack.made(made.edit.handle, made.edit.group)
    this.#room.sending.submit(made.edit)
    this.#syncChanged()
    return made.edit.handle
  }

  #wereRejected(edits: readonly EditHandle[]): void {
    this.#rejected = [...this.#rejected, ...edits].slice(-REJECTED_MAX)
    for (const edit of edits) this.#time.stack.lost(edit)
    this.#syncChanged()
  }

  #syncChanged(): void {
    this.#sync = null
    this.#telling.keys.tell("sync")
  }
}
