// A client: one connection to a hub, and the projects that are open on it.
//
// Promises: the same project object for the same id until it is closed; a project that was closed with something unsaved is
// held on to until that is saved, so that the page asks before it is left.
// Must never: leave a listener on the page behind when it is closed; have two that are joined under one id.

import type { Client, ConnectionState, ConnectOptions, Drafts, Project, Theme } from "./api.js"
import { IndexedDbDrafts } from "./drafts/indexeddb.js"
import { MemoryDrafts } from "./drafts/memory.js"
import type { Unsaved } from "./drafts/write.js"
import { Http } from "./http.js"
import { Listeners } from "./listeners.js"
import { watchPage } from "./page.js"
import { OpenProject } from "./project/project.js"
import type { Access, NewBlock, ProjectInfo, ServerMessage } from "./protocol.js"
import { Socket, type WebSocketClass } from "./socket.js"

/** Connects, and stays connected until it is closed. */
export function connect(options: ConnectOptions = {}): Client {
  const client = new OpenClient(options)
  client.reconnect()
  return client
}

class OpenClient implements Client {
  readonly #socket: Socket
  readonly #http: Http
  readonly #drafts: Drafts
  readonly #random: () => number
  readonly #projects = new Map<string, OpenProject>()
  /** Those that were closed with something unsaved, until that is saved or somebody opens the project again. */
  readonly #lingering = new Set<OpenProject>()
  readonly #listeners = new Listeners<"connection">()
  readonly #unwatch: () => void
  /** Ends what was opened here and not given. */
  readonly #closeDrafts: () => void

  constructor({
    url = globalThis.location?.origin as string | undefined,
    token,
    user,
    drafts,
    webSocket,
    random = Math.random,
    beforeUnload = "ask",
    fetch: ask = globalThis.fetch,
  }: ConnectOptions) {
    if (url === undefined) throw new TypeError("There is no page here to tell where the hub is: give its `url`.")
    const hub = url.replace(/\/+$/, "")
    const classOf = webSocket ?? (globalThis.WebSocket as unknown as WebSocketClass | undefined)
    if (classOf === undefined) throw new TypeError("There is no WebSocket here: give a class as `webSocket`.")
    this.#random = random
    const own = drafts === undefined && globalThis.indexedDB !== undefined ? new IndexedDbDrafts() : null
    this.#drafts = drafts ?? own ?? new MemoryDrafts()
    this.#closeDrafts = () => own?.close()
    this.#http = new Http({ url: hub, token, user, fetch: (...args) => ask(...args) })
    this.#socket = new Socket(
      { url: hub, token, user, webSocket: classOf, random },
      {
        changed: () => this.#listeners.tell("connection"),
        opened: () => this.#each(project => project.opened()),
        lost: () => this.#each(project => project.lost()),
        message: message => this.#take(message),
        tooLarge: () => this.#giveUpLargest(),
      },
    )
    this.#unwatch = watchPage({ wake: () => this.#socket.wake(), hasUnsaved: () => this.#hasUnsaved(), beforeUnload })
  }

  get connection(): ConnectionState {
    return this.#socket.state
  }

  onConnection(listener: () => void): () => void {
    return this.#listeners.on("connection", listener)
  }

  project(id: string): Project {
    const key = id.toLowerCase()
    const open = this.#projects.get(key)
    if (open !== undefined) return open
    const project: OpenProject = new OpenProject({
      id: key,
      socket: this.#socket,
      http: this.#http,
      drafts: this.#drafts,
      random: this.#random,
      closed: () => {
        this.#projects.delete(key)
        this.#lingering.add(project)
      },
      finished: () => this.#lingering.delete(project),
      inherit: () => this.#inherit(project),
    })
    this.#projects.set(key, project)
    if (this.#socket.state.state === "open") project.opened()
    return project
  }

  createProject(options: { title: string; access?: Access; blocks?: NewBlock[] }): Promise<ProjectInfo> {
    return this.#http.createProject(options)
  }

  readTheme(id: string): Promise<Theme> {
    return this.#http.readTheme(id)
  }

  writeTheme(id: string, theme: Theme): Promise<void> {
    return this.#http.writeTheme(id, theme)
  }

  reconnect(): void {
    this.#socket.connect()
  }

  close(): void {
    this.#unwatch()
    this.#each(project => project.end())
    this.#lingering.clear()
    this.#socket.close()
    this.#closeDrafts()
  }

  #take(message: ServerMessage): void {
    if (!("project" in message)) return
    this.#projects.get(message.project)?.take(message)
    for (const project of this.#lingering) if (project.id === message.project) project.take(message)
  }

  /** A project that is opened again takes over what is unsaved of it, for the store may not have taken all of that. */
  #inherit(heir: OpenProject): Unsaved[] {
    const before = [...this.#lingering].filter(project => project !== heir && project.id === heir.id)
    for (const project of before) this.#lingering.delete(project)
    return before.flatMap(project => project.handOver())
  }

  /** The edit that the hub closed the socket over must have been the largest. */
  #giveUpLargest(): void {
    const largest = this.#all().flatMap(project => project.largest() ?? [])
    largest.sort((one, other) => other.bytes - one.bytes)[0]?.giveUp()
  }

  #hasUnsaved(): boolean {
    return this.#all().some(project => project.sync.unsaved > 0)
  }

  #each(act: (project: OpenProject) => void): void {
    for (const project of this.#all()) act(project)
  }

  #all(): OpenProject[] {
    return [...this.#projects.values(), ...this.#lingering]
  }
}
