// What the history panel knows: the events it has asked for, and the project as it was at the chosen one.
//
// Promises: only the latest choice is shown; a quick hand on the slider asks only for where it rests.
// Must never: keep more than `SNAPSHOTS_MAX` of the project's pasts.

import { useEffect, useRef, useState } from "react"
import type { Block, Event, Project } from "@blockhub/client"

const PAGE = 100
const SNAPSHOTS_MAX = 30
/** The slider rests when it was still for so long. */
const REST_MS = 60

export type Shown = { state: "loading"; blocks: readonly Block[] } | { state: "shown"; seq: number; blocks: readonly Block[] } | { state: "failed"; why: string }

/** The events known so far; more are asked for when the chosen one is not among them. */
export function useEvents(project: Project, seq: number, onFailure: (why: string) => void): ReadonlyMap<number, Event> {
  const [events, setEvents] = useState<ReadonlyMap<number, Event>>(new Map())
  const isKnown = events.has(seq)
  useEffect(() => {
    if (isKnown || seq < 1) return
    let isWanted = true
    const timer = setTimeout(() => {
      const page = project.history({ before: seq + 1, limit: PAGE })
      const add = (more: readonly Event[]): void => setEvents((before) => new Map([...before, ...more.map((event) => [event.seq, event] as const)]))
      page.then(({ events: more }) => isWanted && add(more), (error: Error) => isWanted && onFailure(error.message))
    }, REST_MS)
    return () => {
      isWanted = false
      clearTimeout(timer)
    }
  }, [project, seq, isKnown, onFailure])
  return events
}

/** The project as it was after event `seq`. */
export function useSnapshot(project: Project, seq: number): Shown {
  const kept = useRef(new Map<number, readonly Block[]>())
  const [shown, setShown] = useState<Shown>({ state: "loading", blocks: [] })
  useEffect(() => {
    const known = kept.current.get(seq)
    if (known) return setShown({ state: "shown", seq, blocks: known })
    let isWanted = true
    setShown((before) => ({ state: "loading", blocks: before.state === "failed" ? [] : before.blocks }))
    const take = (blocks: readonly Block[]): void => {
      keep(kept.current, seq, blocks)
      if (isWanted) setShown({ state: "shown", seq, blocks })
    }
    const fail = (error: Error): void => void (isWanted && setShown({ state: "failed", why: error.message }))
    const timer = setTimeout(() => void project.at(seq).then((past) => take(past.blocks), fail), REST_MS)
    return () => {
      isWanted = false
      clearTimeout(timer)
    }
  }, [project, seq])
  return shown
}

function keep(kept: Map<number, readonly Block[]>, seq: number, blocks: readonly Block[]): void {
  kept.set(seq, blocks)
  const [oldest] = kept.keys()
  if (kept.size > SNAPSHOTS_MAX && oldest !== undefined) kept.delete(oldest)
}
