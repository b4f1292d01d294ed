// Several people who edit one project, lose their connections and reload their pages, while hubs are killed and started
// again. In the end all see what the hubs have, and nothing that was told saved is missing.
//
// Promises: the same seed makes the same choices; what time makes of them is time's.

import { expect } from "vitest"
import type { Block, Client, Conflict, DraftEdit, Drafts, Edit, Event, Project, Settlement } from "../../src/index.js"
import { MemoryDrafts } from "../../src/index.js"
import { Chance } from "./chance.js"
import type { Hub } from "./hub.js"
import { cuttable } from "./node-socket.js"
import { until } from "./until.js"

const PEOPLE = ["ann", "bob", "cay"]

/** What a page keeps; once the page is gone it writes no more. */
class PageDrafts implements Drafts {
  page: "here" | "gone" = "here"
  readonly #kept: MemoryDrafts
  readonly #sent: Set<string>

  constructor(kept: MemoryDrafts, sent: Set<string>) {
    this.#kept = kept
    this.#sent = sent
  }

  load(project: string): Promise<DraftEdit[]> {
    return this.#kept.load(project)
  }

  async save(edit: DraftEdit): Promise<void> {
    if (edit.sent !== null && edit.sent.ops.length > 0) this.#sent.add(edit.edit)
    if (this.page === "here") await this.#kept.save(edit)
    else await new Promise(() => {})
  }

  async remove(project: string, edit: string): Promise<void> {
    if (this.page === "here") await this.#kept.remove(project, edit)
  }
}

class Person {
  client!: Client
  project!: Project
  readonly saved = new Map<string, number>()
  /** How much each saved edit typed at least. */
  readonly letters = new Map<string, number>()
  readonly #typed = new Map<Edit, number>()
  /** What was typed and deleted again is saved without being sent. */
  readonly sent = new Set<string>()
  readonly #kept = new MemoryDrafts()
  readonly #name: string
  readonly #hub: Hub
  readonly #id: string
  readonly #chance: Chance
  #page!: PageDrafts
  #cut!: () => void

  constructor(name: string, hub: Hub, id: string, chance: Chance) {
    this.#name = name
    this.#hub = hub
    this.#id = id
    this.#chance = chance
    this.#open()
  }

  #open(): void {
    const { webSocket, cut } = cuttable()
    this.#cut = cut
    this.#page = new PageDrafts(this.#kept, this.sent)
    this.client = this.#hub.client(this.#name, { webSocket, drafts: this.#page, random: () => 0.05 })
    this.project = this.client.project(this.#id)
    this.project.onConflict(conflict => this.#settle(conflict))
  }

  loseConnection(): void {
    this.#cut()
  }

  /** The page is gone in the middle of whatever it does; a new one opens on what was kept. */
  reload(): void {
    this.#page.page = "gone"
    this.#cut()
    this.client.close()
    this.#open()
  }

  /** Goes elsewhere in the page, and comes back at once or later. */
  closeProject(): void {
    this.project.close()
    this.project = this.client.project(this.#id)
    this.project.onConflict(conflict => this.#settle(conflict))
  }

  #settle(conflict: Conflict): Settlement {
    const keep = this.#chance.pick(["mine", "theirs", "merged"] as const)
    if (keep !== "merged") return { keep }
    const both = conflict.blocks.flatMap(({ block, mine, theirs }) =>
      mine && theirs ? [[block, { ...theirs.content, ...mine, both: true }] as const] : [],
    )
    return { keep, contents: Object.fromEntries(both) }
  }

  act(): void {
    const { blocks } = this.project
    if (blocks.length === 0) return this.#note(this.#insert())
    const block = this.#chance.pick(blocks)
    this.#note(
      this.#chance.weighted<() => Edit>(
        [8, () => this.#type(block)],
        [2, () => this.project.update(block.id, { [this.#chance.pick(["color", "done"])]: this.#chance.below(5) })],
        [1, () => this.project.update(block.id, { text: `set ${this.#chance.below(100)}` })],
        [2, () => this.#insert()],
        [1, () => this.project.move(block.id, this.#place(block))],
        [1, () => this.project.delete(block.id)],
        [1, () => this.#split(block)],
        [1, () => this.#typeAndColor(block)],
        [
          0.5,
          () =>
            this.project.update(
              block.id,
              { color: this.#chance.below(5) },
              { onConflict: this.#chance.pick(["overwrite", "reject"]) },
            ),
        ],
      )(),
    )
    if (this.#chance.below(20) === 0) this.#step()
  }

  /** Somewhere back or forth; what comes of it is the project's business. */
  #step(): void {
    void this.#chance
      .pick([() => this.project.undo(), () => this.project.redo()])()
      .catch(() => {})
  }

  #note(edit: Edit): void {
    edit.saved.then(
      ({ seq }) => {
        this.saved.set(edit.id, seq)
        this.letters.set(edit.id, this.#typed.get(edit) ?? 0)
      },
      () => {},
    )
  }

  #type(block: Block): Edit {
    const text = String(block.content.text)
    const at = this.#chance.below(text.length + 1)
    const remove = Math.min(text.length - at, this.#chance.below(3))
    const insert = this.#chance.pick(["a", "bc", "", "xyz"])
    const edit = this.project.text(block.id, "/text", [{ at, delete: remove, insert }])
    // What one edit types and deletes again is not counted.
    this.#typed.set(edit, remove > 0 ? -Infinity : (this.#typed.get(edit) ?? 0) + insert.length)
    return edit
  }

  #insert(): Edit {
    return this.project.insert({
      kind: "text",
      ...this.#place(null),
      content: { text: `new ${this.#chance.below(100)}` },
    })
  }

  #split(block: Block): Edit {
    const text = String(block.content.text)
    const at = this.#chance.below(text.length + 1)
    return this.project.edit(tx => {
      if (at < text.length) tx.text(block.id, "/text", [{ at, delete: text.length - at, insert: "" }])
      tx.insert({ kind: "text", parent: block.parent, after: block.id, content: { text: text.slice(at) } })
    })
  }

  #typeAndColor(block: Block): Edit {
    return this.project.edit(tx => {
      tx.text(block.id, "/text", [{ at: 0, delete: 0, insert: this.#chance.pick(["q", "rs"]) }])
      tx.update(block.id, { color: this.#chance.below(5) })
    })
  }

  #place(moving: Block | null): { parent: string | null; after: string | null } {
    const parent = this.#chance.weighted(
      [3, null],
      [1, this.#chance.pick([null, ...this.project.blocks.map(block => block.id)])],
    )
    const siblings = this.project.children(parent).filter(block => block.id !== moving?.id)
    return { parent, after: this.#chance.pick([null, ...siblings.map(block => block.id)]) }
  }
}

/** `rounds` choices, on hubs of one database; prints what it takes to make them again. */
export async function fuzz(hubs: readonly Hub[], seed: number, rounds: number): Promise<void> {
  console.log(`FUZZ_SEED=${seed} FUZZ_ROUNDS=${rounds}`)
  const chance = new Chance(seed)
  const [first] = hubs as [Hub]
  const blocks = ["one", "two"].map(text => ({ kind: "text", content: { text } }))
  const { id } = await first.client("maker").createProject({ title: "Fuzz", access: "editor", blocks })
  const people = PEOPLE.map((name, index) => new Person(name, hubs[index % hubs.length]!, id, chance))
  await until("all are in", () => people.every(({ project }) => project.state.state === "live"))
  for (let round = 0; round < rounds; round++) await step(chance, people, hubs)
  await settled(people, hubs, id)
  await compare(people, first, id)
}

async function step(chance: Chance, people: readonly Person[], hubs: readonly Hub[]): Promise<void> {
  const hub = chance.pick(hubs)
  const person = chance.pick(people)
  const seq = person.project.seq
  await chance.weighted<() => unknown>(
    [40, () => person.act()],
    [20, () => new Promise(resolve => setImmediate(resolve))],
    [
      8,
      () =>
        until(
          "somebody's edit, or nothing to wait for",
          () => person.project.seq > seq || person.project.sync.unsaved === 0 || person.project.state.state !== "live",
        ),
    ],
    [1, () => person.loseConnection()],
    [1, () => person.reload()],
    [1, () => person.closeProject()],
    [0.3, () => hub.down("SIGKILL").then(() => hub.up())],
    [0.2, () => hub.down("SIGTERM").then(() => hub.up())],
  )()
}

async function settled(people: readonly Person[], hubs: readonly Hub[], id: string): Promise<void> {
  const isSaved = ({ project }: Person) => project.state.state === "live" && project.sync.unsaved === 0
  await until("everything is saved", () => people.every(isSaved)).catch(error => {
    const told = people.map(({ client, project }) => [
      client.connection,
      project.state,
      project.seq,
      project.sync.edits,
    ])
    throw new Error(`${error.message}: ${JSON.stringify(told)}`)
  })
  await until("all have everything", async () => {
    const heads = await Promise.all(hubs.map(hub => hub.get<{ seq: number }>(`/projects/${id}`, "maker")))
    return new Set([...heads, ...people.map(({ project }) => project)].map(({ seq }) => seq)).size === 1
  })
}

async function compare(people: readonly Person[], hub: Hub, id: string): Promise<void> {
  const { blocks } = await hub.get<{ blocks: Block[] }>(`/projects/${id}/blocks`, "maker")
  for (const { project } of people) expect(project.blocks).toEqual(blocks)
  const log = new Map<string, number>()
  const letters = new Map<string, number>()
  for (let since = 0, more = true; more;) {
    const page = await hub.get<{ events: Event[]; more: boolean }>(
      `/projects/${id}/events?since=${since}&limit=500`,
      "maker",
    )
    for (const event of page.events) {
      log.set(event.editId, event.seq)
      letters.set(event.editId, lettersOf(event))
    }
    since = page.events.at(-1)?.seq ?? since
    more = page.more
  }
  for (const { saved, sent, letters: typed } of people) {
    const told = [...saved].filter(([edit]) => sent.has(edit))
    expect(told.map(([edit]) => [edit, log.get(edit)])).toEqual(told)
    for (const [edit] of told) expect(letters.get(edit), edit).toBeGreaterThanOrEqual(typed.get(edit)!)
  }
  console.log(`${log.size} events, ${people.map(({ saved }) => saved.size)} told saved, ${blocks.length} blocks`)
}

/** How much an event types; no end of it where it sets a string. */
function lettersOf({ ops = [] }: Event): number {
  return ops.reduce((sum, op) => {
    if (op.op === "text") return op.changes.reduce((units, { insert }) => units + insert.length, sum)
    return op.op === "update" ? Infinity : sum
  }, 0)
}
