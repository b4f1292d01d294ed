// Whether everything is saved: always in sight.
//
// Promises: "Saved" is said only when all of it is in the hub's database.
// Must never: flicker with each letter for those who listen; only what lasts is read out.

import { useEffect, useState } from "react"
import type { Project, Sync } from "@blockhub/client"
import { useSync } from "@blockhub/react"
import { clockOf } from "../time"

/** Saving that takes longer than this is told with its time. */
const LONG_MS = 3_000

export function Saved({ project }: { project: Project }) {
  const sync = useSync(project)
  const isLong = useLong(sync.since)
  const isLate = sync.unsaved > 0 && (isLong || project.state.state === "offline")
  const words = wordsFor(sync, isLate)
  return (
    <>
      <span className="saved" data-state={sync.unsaved === 0 ? "saved" : isLate ? "late" : "saving"}><span className="lamp" aria-hidden="true" />{words}</span>
      <span className="unseen" role="status">{sync.unsaved === 0 ? "Saved" : isLate ? words : ""}</span>
    </>
  )
}

/** The state of one's edits in words. */
export function wordsFor(sync: Pick<Sync, "unsaved" | "since">, isLate: boolean): string {
  if (sync.unsaved === 0) return "Saved"
  if (!isLate) return "Saving…"
  const edits = sync.unsaved === 1 ? "1 edit" : `${sync.unsaved} edits`
  return sync.since ? `${edits} not saved since ${clockOf(sync.since)}` : `${edits} not saved`
}

function useLong(since: Date | null): boolean {
  const [long, setLong] = useState<number | null>(null)
  const from = since?.getTime() ?? null
  useEffect(() => {
    if (from === null) return
    const timer = setTimeout(() => setLong(from), Math.max(0, from + LONG_MS - Date.now()))
    return () => clearTimeout(timer)
  }, [from])
  return from !== null && long === from
}
