// The hooks in a DOM: who renders, and who does not.

import { act, StrictMode, type ReactNode } from "react"
import { createRoot, type Root } from "react-dom/client"
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest"
import type { Client, Project } from "@blockhub/client"
import { useBlock, useBlocks, useChildren, useClient, useConnection, usePresence, useProject, useSeq, useSync } from "../src/index.js"
import { StandIn, textBlock } from "./stand-in.js"

let root: Root
let page: HTMLElement
let project: StandIn
/** How often each component rendered. */
let renders: Record<string, number>

beforeEach(() => {
  vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true)
  page = document.createElement("div")
  root = createRoot(page)
  project = new StandIn()
  renders = {}
  project.place(null, [textBlock("one", "One"), textBlock("two", "Two")])
})

afterEach(async () => {
  await act(async () => root.unmount())
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

const show = (what: ReactNode): Promise<void> => act(async () => root.render(what))
const rendered = (name: string): void => void (renders[name] = (renders[name] ?? 0) + 1)

function Text({ id }: { id: string }) {
  rendered(id)
  return <p>{String(useBlock(project.asProject(), id)?.content["text"] ?? "gone")}</p>
}

function Ids() {
  rendered("ids")
  return <>{useChildren(project.asProject()).map((id) => <Text key={id} id={id} />)}</>
}

describe("blocks", () => {
  test("typing in a block renders that block alone", async () => {
    await show(<Ids />)
    await act(async () => project.write("two", "Two!"))
    expect(page.textContent).toBe("OneTwo!")
    expect(renders).toEqual({ ids: 1, one: 1, two: 2 })
  })

  test("a new order renders the list, and a list of ids knows no other change", async () => {
    await show(<Ids />)
    await act(async () => project.place(null, [project.block("two")!, project.block("one")!]))
    expect(page.textContent).toBe("TwoOne")
    expect(renders["ids"]).toBe(2)
  })

  test("useBlocks renders when a block of its list changes, and not for another list", async () => {
    function Texts() {
      rendered("texts")
      return <>{useBlocks(project.asProject()).map((block) => String(block.content["text"])).join(" ")}</>
    }
    await show(<Texts />)
    await act(async () => project.write("one", "1"))
    expect(page.textContent).toBe("1 Two")
    await act(async () => project.place("one", [textBlock("under", "Under", "one")]))
    expect(renders["texts"]).toBe(2)
  })

  test("a block that is gone is undefined", async () => {
    await show(<Text id="never" />)
    expect(page.textContent).toBe("gone")
  })

  test("nobody listens any more when the components are gone", async () => {
    await show(<Ids />)
    expect(project.heard).toBe(3)
    await show(null)
    expect(project.heard).toBe(0)
  })
})

describe("a project", () => {
  const client = (): Client => ({ project: () => project.asProject() }) as unknown as Client

  function Standing({ of }: { of: Client }) {
    rendered("standing")
    const { title, state, role } = useProject(of, "project")
    return <>{`${title} ${state.state} ${role}`}</>
  }

  test("useProject renders for title, state and role, and not for each event", async () => {
    await show(<Standing of={client()} />)
    await act(async () => project.change("state", { title: "Plan", state: { state: "live" }, role: "editor" }))
    expect(page.textContent).toBe("Plan live editor")
    await act(async () => project.change("state", { seq: 9 }))
    expect(renders["standing"]).toBe(2)
  })

  test("useSeq renders for each event", async () => {
    function Head() {
      return <>{useSeq(project.asProject())}</>
    }
    await show(<Head />)
    await act(async () => project.change("state", { seq: 9 }))
    expect(page.textContent).toBe("9")
  })

  test("it is closed when the last component that uses it is gone, and strict mode does not close it", async () => {
    const shared = client()
    await show(<StrictMode><Standing of={shared} /><Standing of={shared} /></StrictMode>)
    await show(<StrictMode><Standing of={shared} /></StrictMode>)
    expect(project.closed).toBe(0)
    await show(null)
    expect(project.closed).toBe(1)
  })

  test("useSync tells what is unsaved", async () => {
    function Unsaved() {
      return <>{useSync(project.asProject()).unsaved}</>
    }
    await show(<Unsaved />)
    await act(async () => project.change("sync", { sync: { unsaved: 3, since: new Date(0), edits: [], drafts: "kept" } }))
    expect(page.textContent).toBe("3")
  })
})

describe("people and the connection", () => {
  test("of the clients that strict mode makes for one component all but its own are closed", async () => {
    vi.useFakeTimers()
    const open = new Set<object>()
    class Line {
      onopen = null
      onmessage = null
      onclose = null
      onerror = null
      constructor() {
        open.add(this)
      }
      send(): void {}
      close(): void {
        open.delete(this)
      }
    }
    function Mine() {
      return <>{useConnection(useClient({ url: "http://hub", webSocket: Line })).state}</>
    }
    await show(<StrictMode><Mine /></StrictMode>)
    await act(() => vi.advanceTimersByTimeAsync(5_000))
    expect([open.size, page.textContent]).toEqual([1, "connecting"])
    await show(null)
    expect(open.size).toBe(0)
  })

  test("usePresence shows who is here, and its setter stays the same", async () => {
    const setters = new Set<Project["setPresence"]>()
    function Here() {
      const { members, set } = usePresence(project.asProject())
      setters.add(set)
      return <>{members.map((member) => member.user.name).join()}</>
    }
    await show(<Here />)
    const member = { connection: "c", user: { id: "ann", name: "Ann" }, self: false } as Project["members"][number]
    await act(async () => project.change("members", { members: [member] }))
    expect(page.textContent).toBe("Ann")
    expect(setters.size).toBe(1)
    setters.forEach((set) => set({ cursor: null }))
    expect(project.told).toEqual([{ cursor: null }])
  })

  test("useConnection renders with each change of the connection", async () => {
    const told = new Set<() => void>()
    const client = { connection: { state: "connecting" }, onConnection: (listener: () => void) => (told.add(listener), () => told.delete(listener)) }
    function State() {
      return <>{useConnection(client as unknown as Client).state}</>
    }
    await show(<State />)
    client.connection = { state: "closed" }
    await act(async () => told.forEach((listener) => listener()))
    expect(page.textContent).toBe("closed")
    await show(null)
    expect(told.size).toBe(0)
  })
})
