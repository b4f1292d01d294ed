// What two people did at once and no rule can decide: both sides, and one click to settle it.
//
// Promises: conflicts wait in a row, none is lost; each button says what it does.
// Must never: choose by itself.

import { useEffect, useLayoutEffect, useRef, useState } from "react"
import type { Conflict, JsonObject, Project, Settlement } from "@blockhub/client"
import { Sides } from "./sides"
import { mergeable, MergeForm } from "./merge-form"

interface Waiting {
  readonly conflict: Conflict
  readonly settle: (settlement: Settlement) => void
}

export function Conflicts({ project }: { project: Project }) {
  const [waiting, setWaiting] = useState<readonly Waiting[]>([])
  useEffect(() => project.onConflict((conflict) => new Promise((settle) => setWaiting((before) => [...before, { conflict, settle }]))), [project])
  const [first] = waiting
  if (!first) return null
  const settle = (settlement: Settlement): void => {
    first.settle(settlement)
    if (settlement.keep === "mine") rescue(project, first.conflict)
    setWaiting((before) => before.slice(1))
  }
  return <ConflictDialog key={first.conflict.edit} conflict={first.conflict} more={waiting.length - 1} onSettle={settle} />
}

/** A deleted block does not come back by editing it: what was written in it goes on as a new one, at the end. */
function rescue(project: Project, conflict: Conflict): void {
  for (const { mine, theirs } of conflict.blocks) {
    if (theirs !== null || mine === null) continue
    project.insert({ kind: kindFor(mine), after: project.children(null).at(-1)?.id ?? null, content: mine })
  }
}

/** The kind that a content was most likely written for. */
function kindFor(content: JsonObject): string {
  if (typeof content["url"] === "string") return "image"
  if (typeof content["done"] === "boolean") return "todo"
  return typeof content["language"] === "string" ? "code" : "text"
}

interface Properties {
  readonly conflict: Conflict
  /** How many wait behind this one. */
  readonly more: number
  readonly onSettle: (settlement: Settlement) => void
}

function ConflictDialog({ conflict, more, onSettle }: Properties) {
  const dialog = useRef<HTMLDialogElement>(null)
  const [isMerging, setMerging] = useState(false)
  useLayoutEffect(() => dialog.current!.showModal(), [])
  const isGone = conflict.blocks.some((clash) => clash.theirs === null && clash.mine !== null)
  const merge = (contents: Record<string, JsonObject>): void => onSettle({ keep: "merged", contents })
  return (
    <dialog ref={dialog} className="conflict" aria-labelledby="conflict-title" onCancel={(event) => event.preventDefault()}>
      <h2 id="conflict-title">Two changes at once</h2>
      <p>You and somebody else changed the same thing. Which one shall stay? What you do not take is dropped.</p>
      {isMerging ? <MergeForm conflict={conflict} onMerge={merge} onBack={() => setMerging(false)} /> : (
        <>
          {conflict.blocks.map((block) => <Sides key={block.block} clash={block} />)}
          <div className="choices">
            <button type="button" className="main" onClick={() => onSettle({ keep: "mine" })}>{isGone ? "Keep mine as a new block" : "Keep mine"}</button>
            <button type="button" className="main" onClick={() => onSettle({ keep: "theirs" })}>Take theirs</button>
            {mergeable(conflict) && <button type="button" onClick={() => setMerging(true)}>Merge by hand</button>}
          </div>
        </>
      )}
      {more > 0 && <p className="faint">{more} more {more === 1 ? "waits" : "wait"} behind this one.</p>}
    </dialog>
  )
}
