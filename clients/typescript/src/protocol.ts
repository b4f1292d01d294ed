// What clients and hubs say to each other. Written from the hub's own types by `cargo run --example typescript`: change
// those, not this. A test keeps it fresh.

export type Json = null | boolean | number | string | Json[] | JsonObject
export type JsonObject = { [key: string]: Json }

export type Role = "viewer" | "editor" | "owner";

export type Access = "none" | "viewer" | "editor";

export type Tier = "free" | "pro" | "enterprise";

export type ActorKind = "human" | "agent";

export type User = { id: string, name?: string };

export type Actor = { id: string, name?: string, kind: ActorKind };

export type SelfUser = { id: string, name?: string, tier: Tier, kind: ActorKind };

export type MemberView = { connection: string, user?: User, state?: Json, left?: boolean };

export type Block = { id: string, kind: string, parent: string | null, position: string, content: JsonObject, version: number };

export type TextChange = { at: number, delete: number, insert: string };

export type EventOp = { "op": "insert", block: Block }
  | { "op": "update", block: string, version: number, patch: JsonObject }
  | { "op": "text", block: string, version: number, path: string, changes: Array<TextChange> }
  | { "op": "move", block: string, version: number, parent: string | null, position: string }
  | { "op": "delete", blocks: Array<string> };

export type Event = { seq: number, editId: string, requestId: string, group?: string, actor: Actor, at: string, merged?: boolean, overwrote?: boolean, ops?: Array<EventOp> };

export type OnConflict = "merge" | "reject" | "overwrite";

export type EditOp = { "op": "insert", block: string, kind: string, parent?: string | null, after?: string | null, content: JsonObject }
  | { "op": "update", block: string, baseVersion: number, patch: JsonObject }
  | { "op": "text", block: string, baseVersion: number, path: string, changes: Array<TextChange> }
  | { "op": "move", block: string, baseVersion: number, parent?: string | null, after?: string | null }
  | { "op": "delete", block: string, baseVersion: number };

export type Since = { epoch: string, seq: number };

export type Receipt = { id?: string, requestId: string };

export type ErrorCode = "malformed" | "unknown_type" | "unsupported" | "unauthenticated" | "forbidden" | "not_found" | "not_joined" | "conflict" | "invalid_edit" | "too_large" | "rate_limited" | "busy" | "draining" | "internal";

export type Refusal = { code: ErrorCode, message: string, retryAfterMs?: number, limit?: string, op?: number };

export type AckFields = { project: string, editId: string, seq: number, versions: Record<string, number>, merged: boolean, overwrote: boolean, duplicate: boolean };

export type OpConflict = { op: number, block: string, baseVersion: number, currentVersion: number, current?: Block | null, base?: JsonObject, paths: Array<string>, changedBy?: User, changedAt?: string };

export type ConflictFields = { project: string, editId: string, seq: number, conflicts: Array<OpConflict> };

export type ResetReason = "lagged" | "epoch" | "large";

export type LeftReason = "forbidden" | "deleted";

export type Limits = { maxMessageBytes: number, maxEditBytes: number, maxBlockBytes: number, maxOps: number, maxTextWindow: number, maxPresenceBytes: number, maxProjectsPerConnection: number, pingIntervalMs: number, pongTimeoutMs: number, compressMinBytes: number };

export type SnapshotTail = { last: boolean };

export type MoreTail = { more: boolean };

export type MembersTail = { members: Array<MemberView> };

export type NewBlock = { 
/**
 * Drawn by the hub if left out.
 */
id?: string, 
/**
 * The application's word for what it is, 1 to 64 characters.
 */
kind: string, 
/**
 * Under which block; left out: at the top.
 */
parent?: string | null, 
/**
 * A JSON object.
 */
content: JsonObject };

export type ProjectInfo = { 
/**
 * Its name.
 */
id: string, 
/**
 * For people.
 */
title: string, 
/**
 * What everybody has who is no member.
 */
access: Access, 
/**
 * The id of its theme.
 */
theme: string | null, 
/**
 * The caller's role.
 */
role: Role, 
/**
 * Which log.
 */
epoch: string, 
/**
 * The seq of its last event.
 */
seq: number, 
/**
 * When it was created.
 */
createdAt: string, 
/**
 * When it last changed.
 */
updatedAt: string };

export type ClientMessage = { "type": "hello", id?: string, token?: string, session?: string, user?: User }
  | { "type": "refresh", id?: string, token: string }
  | { "type": "ping", id?: string }
  | { "type": "join", id?: string, project: string, since?: Since, presence?: Json }
  | { "type": "leave", id?: string, project: string }
  | { "type": "edit", id?: string, project: string, editId: string, epoch?: string, group?: string, onConflict?: OnConflict, ops: Array<EditOp> }
  | { "type": "presence", id?: string, project: string, state: Json }
  | { "type": "signal", id?: string, project: string, event: string, data?: Json }
  | { "type": "history", id?: string, project: string, before?: number, limit?: number }
  | { "type": "undo", id?: string, project: string, target: string, editId: string }
  | { "type": "restore", id?: string, project: string, seq: number, editId: string };
export type Hello = Extract<ClientMessage, { type: "hello" }>
export type Refresh = Extract<ClientMessage, { type: "refresh" }>
export type Ping = Extract<ClientMessage, { type: "ping" }>
export type Join = Extract<ClientMessage, { type: "join" }>
export type Leave = Extract<ClientMessage, { type: "leave" }>
export type EditMessage = Extract<ClientMessage, { type: "edit" }>
export type PresenceMessage = Extract<ClientMessage, { type: "presence" }>
export type SignalMessage = Extract<ClientMessage, { type: "signal" }>
export type HistoryQuestion = Extract<ClientMessage, { type: "history" }>
export type Undo = Extract<ClientMessage, { type: "undo" }>
export type Restore = Extract<ClientMessage, { type: "restore" }>

type ServerHead = { "type": "welcome", connection: string, session: string, hub: string, user: SelfUser, limits: Limits, id?: string, requestId: string }
  | { "type": "refreshed", expiresAt?: string, id?: string, requestId: string }
  | { "type": "tokenExpiring", expiresAt: string }
  | { "type": "pong", now: string, id?: string, requestId: string }
  | { "type": "error", id?: string, requestId: string, code: ErrorCode, message: string, retryAfterMs?: number, limit?: string, op?: number }
  | { "type": "joined", project: string, title: string, role: Role, epoch: string, seq: number, recovered: boolean, more?: boolean, events?: Array<Event>, id?: string, requestId: string }
  | { "type": "snapshot", project: string }
  | { "type": "reset", project: string, epoch: string, seq: number, reason: ResetReason }
  | { "type": "left", project: string, reason?: LeftReason }
  | { "type": "project", project: string, title: string, access: Access }
  | { "type": "role", project: string, role: Role }
  | { "type": "ack", id?: string, requestId: string, project: string, editId: string, seq: number, versions: Record<string, number>, merged: boolean, overwrote: boolean, duplicate: boolean }
  | { "type": "conflict", id?: string, requestId: string, project: string, editId: string, seq: number, conflicts: Array<OpConflict> }
  | { "type": "events", project: string, epoch: string }
  | { "type": "conflicted", project: string, editId: string, actor: Actor, blocks: Array<string> }
  | { "type": "presence", project: string, updates: Array<MemberView> }
  | { "type": "signal", project: string, event: string, data?: Json, from: MemberView }
  | { "type": "history", project: string, events: Array<Event>, more: boolean, id?: string, requestId: string }
  | { "type": "draining", reconnectInMs: number };
export type Welcome = Extract<ServerHead, { type: "welcome" }>
export type Refreshed = Extract<ServerHead, { type: "refreshed" }>
export type TokenExpiring = Extract<ServerHead, { type: "tokenExpiring" }>
export type Pong = Extract<ServerHead, { type: "pong" }>
export type ErrorReply = Extract<ServerHead, { type: "error" }>
export type Joined = Extract<ServerHead, { type: "joined" }> & MembersTail & ({ recovered: true, events: Event[] } | ({ recovered: false, blocks: Block[] } & MoreTail))
export type Snapshot = Extract<ServerHead, { type: "snapshot" }> & { blocks: Block[] } & SnapshotTail
export type Reset = Extract<ServerHead, { type: "reset" }> & { blocks: Block[] } & MoreTail
export type Left = Extract<ServerHead, { type: "left" }> & Partial<Receipt>
export type ProjectChanged = Extract<ServerHead, { type: "project" }>
export type RoleChanged = Extract<ServerHead, { type: "role" }>
export type Ack = Extract<ServerHead, { type: "ack" }>
export type ConflictReply = Extract<ServerHead, { type: "conflict" }>
export type Events = Extract<ServerHead, { type: "events" }> & { events: Event[] }
export type Conflicted = Extract<ServerHead, { type: "conflicted" }>
export type PresenceUpdates = Extract<ServerHead, { type: "presence" }>
export type Signal = Extract<ServerHead, { type: "signal" }>
export type History = Extract<ServerHead, { type: "history" }>
export type Draining = Extract<ServerHead, { type: "draining" }>

export type ServerMessage = Welcome | Refreshed | TokenExpiring | Pong | ErrorReply | Joined | Snapshot | Reset | Left | ProjectChanged | RoleChanged | Ack | ConflictReply | Events | Conflicted | PresenceUpdates | Signal | History | Draining
