// The public face: what an application sees of a client, a project, an edit.
//
// Promises: what is told as a snapshot (a block, a list of children, the members, `sync`, a state) is a new object
// exactly when it changed.
// Must never: hold anything that runs.

import type {
  Access,
  Block,
  Event,
  Json,
  JsonObject,
  Limits,
  NewBlock,
  OnConflict,
  ProjectInfo,
  Role,
  SelfUser,
  TextChange,
  User,
} from "./protocol.js"
import type { WebSocketClass } from "./socket.js"

export interface ConnectOptions {
  /** The hub: `https://host` or `http://host:port`; sockets go to `/ws` there, HTTP to `/api`. Default: the page's origin. */
  url?: string
  /** A fresh token, asked for at each connect and when one is about to expire. Left out: an open hub. */
  token?: () => string | Promise<string>
  /** Who one is on an open hub. */
  user?: { id: string; name?: string }
  /** Where unsaved edits are kept. Default: IndexedDB where there is one, else a memory of this client's own. */
  drafts?: Drafts
  /** Ask before the page is left with unsaved edits. Default: "ask". */
  beforeUnload?: "ask" | "leave"
  /** The class to use, where there is none built in (Node 20). Default: globalThis.WebSocket. */
  webSocket?: WebSocketClass
  fetch?: typeof fetch
  /** Chance in [0, 1), for jitter. */
  random?: () => number
}

export type ConnectionState =
  | { state: "connecting" }
  | { state: "open"; connection: string; session: string; hub: string; user: SelfUser; limits: Limits }
  /** `until`: ms since 1970. */
  | { state: "waiting"; until: number; why: string }
  /** By `close()`, or for good: says why, for people. */
  | { state: "closed"; why: string }

export interface Client {
  /** A new object with each change. */
  readonly connection: ConnectionState
  /** Answers what takes the listener off again, as every `on…` does. */
  onConnection(listener: () => void): () => void
  /** Joins; the same object for the same id until it is closed. */
  project(id: string): Project
  /** Throws HubError. */
  createProject(options: { title: string; access?: Access; blocks?: NewBlock[] }): Promise<ProjectInfo>
  /** Throws HubError. */
  readTheme(id: string): Promise<Theme>
  /** Who writes a theme first owns it; nobody else can change it. Throws HubError. */
  writeTheme(id: string, theme: Theme): Promise<void>
  /** Connects now rather than after the wait, unless it was the hub that asked for the wait. */
  reconnect(): void
  /**
   * Sends what can go at once, and leaves; what is unsaved stays in the store, and is sent when its project is opened again.
   * A store in memory that was not given as `drafts` goes with the client: so it is in Node.
   */
  close(): void
}

/** Colours and fonts are CSS, spacing is in CSS pixels. What the names mean is the application's. */
export interface Theme {
  colors?: Record<string, string>
  fonts?: Record<string, string>
  spacing?: Record<string, number>
}

export type ProjectState =
  | { state: "joining" }
  /** Has everything up to `seq`, and hears what comes. */
  | { state: "live" }
  /** Shows what it had; edits are kept. */
  | { state: "offline" }
  | { state: "left"; reason: "forbidden" | "deleted" | "not_found" | "closed" }

export type ProjectKey = "blocks" | "members" | "sync" | "state" | "info" | `block:${string}` | `children:${string}`

export interface Project {
  readonly id: string
  readonly state: ProjectState
  readonly title: string
  /** Null before the first join. */
  readonly role: Role | null
  /** Null until told. */
  readonly access: Access | null
  readonly epoch: string | null
  /** Of the confirmed blocks. */
  readonly seq: number
  /** As one sees it: confirmed, with what is pending on top. */
  block(id: string): Block | undefined
  /** In order; [] if there are none. */
  children(parent: string | null): readonly Block[]
  /** All, depth first. */
  readonly blocks: readonly Block[]

  /** Called after each change of what the key names; `children:` alone is the top; "state" is state, title, role, access, seq; "info": the hub says that what `info()` says is new. */
  on(key: ProjectKey, listener: () => void): () => void
  /** Each event as it is taken in, once, in order of seq. */
  onEvent(listener: (event: Event) => void): () => void
  /** Each time what one sees of a string changes for another reason than one's own `text()`: the changes to what was shown. */
  onText(block: string, path: string, listener: (changes: readonly TextChange[]) => void): () => void

  /** Several ops, all or nothing, applied to what one sees at once. What breaks a rule is a rejected edit, not thrown. */
  edit(change: (tx: Transaction) => void, options?: EditOptions): Edit
  insert(block: InsertBlock, options?: EditOptions): Edit & { block: string }
  /** `patch`: a merge patch (RFC 7396); null removes. */
  update(block: string, patch: JsonObject, options?: EditOptions): Edit
  /** Typing: several calls may become one edit, sent about 100 ms after the first or when the edit before is answered. */
  text(block: string, path: string, changes: readonly TextChange[], options?: EditOptions): Edit
  move(block: string, to: { parent: string | null; after: string | null }, options?: EditOptions): Edit
  delete(block: string, options?: EditOptions): Edit

  /** What to do with a conflict; the last handler set counts. Without one theirs is taken and the edit is rejected. */
  onConflict(handler: ConflictHandler): () => void

  /** Told with "sync". */
  readonly undoable: boolean
  readonly redoable: boolean
  /**
   * Takes back the last own edit (or group) of this page's life that is not undone yet. Throws HubError: the step stays,
   * to be tried again, unless it can never be. One that conflicts is forgotten, and the one before it is next.
   */
  undo(): Promise<UndoOutcome>
  redo(): Promise<UndoOutcome>
  /** Makes the blocks what they were after `seq`, by a new edit, which `undo` takes back like any other. */
  restore(seq: number): Promise<{ seq: number }>
  /** The log, newest first. */
  history(options?: { before?: number; limit?: number }): Promise<{ events: Event[]; more: boolean }>
  /** The project as it was after `seq`, over HTTP. */
  at(seq: number): Promise<{ seq: number; blocks: Block[] }>

  /** Everybody joined, oneself (`self: true`) too; [] while not joined. */
  readonly members: readonly Member[]
  /** Throttled: the latest, at most every 50 ms; set again after a reconnect. */
  setPresence(state: Json): void
  /** To who is here now; lost while offline. */
  signal(event: string, data?: Json): void
  onSignal(listener: (signal: ReceivedSignal) => void): () => void

  readonly sync: Sync
  /** What the hub says of it, over HTTP: its theme, too. Throws HubError. */
  info(): Promise<ProjectInfo>
  /** For owners, over HTTP; throw HubError. */
  rename(title: string): Promise<void>
  setAccess(access: Access): Promise<void>
  /** The id of a theme, or none. */
  setTheme(theme: string | null): Promise<void>
  remove(): Promise<void>
  /**
   * Ends it for the application, which hears of nothing any more but "sync". What is unsaved is still sent, and until it is
   * saved the project stays joined; what only the application could decide stays kept until it is opened again.
   */
  close(): void
}

export interface Sync {
  readonly unsaved: number
  /** Since when something is unsaved. */
  readonly since: Date | null
  /** Not saved yet, or rejected within this page's life (the last 100). */
  readonly edits: readonly Edit[]
  /** `failing`: the store for unsaved edits does not work; they live in this page alone. */
  readonly drafts: "kept" | "failing"
}

export type EditStatus =
  { status: "pending" } | { status: "saved"; seq: number } | { status: "rejected"; code: string; message: string }

export interface Edit {
  /** The `editId`; a new one after a conflict was settled with "mine" or "merged". */
  readonly id: string
  readonly at: Date
  readonly state: EditStatus
  /** Fulfilled when it is in the database; refused with EditRejected. Refusals nobody handles are silent: `sync` tells them. */
  readonly saved: Promise<{ seq: number }>
}

export interface Transaction {
  /** Answers the block's id. */
  insert(block: InsertBlock): string
  update(block: string, patch: JsonObject): void
  text(block: string, path: string, changes: readonly TextChange[]): void
  move(block: string, to: { parent: string | null; after: string | null }): void
  delete(block: string): void
}

/** `after`: a sibling's id; null or left out is first. */
export interface InsertBlock {
  id?: string
  kind: string
  parent?: string | null
  after?: string | null
  content?: JsonObject
}

/** `group`: a UUID; edits of one group are undone as one. */
export interface EditOptions {
  onConflict?: OnConflict
  group?: string
}

export interface ConflictBlock {
  readonly block: string
  /** JSON Pointers; none if only the place clashes. */
  readonly paths: readonly string[]
  /** The content that the edit was made on, if still known. */
  readonly base?: JsonObject
  /** The content as the edit wanted it; null: deleted. */
  readonly mine: JsonObject | null
  /** Null: deleted. */
  readonly theirs: Block | null
  readonly changedBy?: User
  readonly changedAt?: string
  readonly what: "content" | "place" | "delete"
}

export interface Conflict {
  readonly edit: string
  readonly blocks: readonly ConflictBlock[]
}

/** What was deleted cannot be kept: with "mine" or "merged" the rest of the edit goes on without it. */
export type Settlement =
  { keep: "mine" } | { keep: "theirs" } | { keep: "merged"; contents: Record<string, JsonObject> }
export type ConflictHandler = (conflict: Conflict) => Settlement | Promise<Settlement>
export type UndoOutcome =
  { done: "undone"; seq: number } | { done: "conflict"; conflict: Conflict } | { done: "nothing" }

export interface Member {
  readonly connection: string
  readonly user: User
  readonly state?: Json
  readonly self: boolean
}
export interface ReceivedSignal {
  event: string
  data?: Json
  from: Member
}

/** Where unsaved edits outlive the page. All calls may fail; the client then goes on from memory and says so in `sync`. */
export interface Drafts {
  /** Those of this page, and of pages that are gone. */
  load(project: string): Promise<DraftEdit[]>
  /** Puts it in the place of the one with the same `edit`. */
  save(edit: DraftEdit): Promise<void>
  remove(project: string, edit: string): Promise<void>
}

export type { DraftEdit } from "./drafts/draft.js"
import type { DraftEdit } from "./drafts/draft.js"
