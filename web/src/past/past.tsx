// The history: a slider through time, the project as it was, who did what, and the way back.
//
// Promises: looking changes nothing; restoring is one edit that can be undone like any other.
// Must never: move under the reader's hands when others go on writing.

import { useCallback, useEffect, useRef, useState, type KeyboardEvent } from "react"
import type { Event, Member, Project } from "@blockhub/client"
import { colourOf, nameAmong } from "../project/people"
import { momentOf } from "../time"
import { Snapshot } from "./snapshot"
import { changedBy, runsOf, wordsFor } from "./story"
import { useEvents, useSnapshot, type Shown } from "./use-past"

interface Properties {
  readonly project: Project
  readonly onClose: () => void
  readonly onNotice: (notice: string) => void
}

export function Past({ project, onClose, onNotice }: Properties) {
  const [head] = useState(project.seq)
  const [seq, setSeq] = useState(head)
  const failed = useCallback((why: string) => onNotice(`The history could not be read: ${why}`), [onNotice])
  const events = useEvents(project, seq, failed)
  const shown = useSnapshot(project, seq)
  const event = events.get(seq)
  const said = event ? `${nameAmong(event.actor, project.members)} ${wordsFor([event])}, ${momentOf(new Date(event.at))}` : `Change ${seq}`
  const restore = (): void => {
    project.restore(seq).then(() => {
      onNotice("Restored")
      onClose()
    }, (error: Error) => onNotice(`It could not be restored: ${error.message}`))
  }
  const pressed = (key: KeyboardEvent): void => void (key.key === "Escape" && onClose())
  return (
    <div className="past" onKeyDown={pressed}>
      <section className="document" aria-label="The document as it was" aria-busy={shown.state === "loading"}>
        <h1 className="title">{project.title}</h1>
        <AsItWas shown={shown} event={event} />
      </section>
      <aside className="past-panel" aria-label="History">
        <Slider head={head} seq={seq} said={said} onSeq={setSeq} />
        <div className="choices">
          {project.role !== "viewer" && <button type="button" className="main" disabled={seq === head || shown.state !== "shown"} onClick={restore}>Restore this</button>}
          <button type="button" onClick={onClose}>Back to now</button>
        </div>
        <Runs events={[...events.values()]} members={project.members} seq={seq} onSeq={setSeq} />
      </aside>
    </div>
  )
}

function AsItWas({ shown, event }: { shown: Shown; event: Event | undefined }) {
  const element = useRef<HTMLDivElement>(null)
  useEffect(() => {
    element.current?.querySelector("[data-changed] > .line")?.scrollIntoView({ block: "center" })
  }, [shown, event])
  if (shown.state === "failed") return <p className="wrong" role="alert">{shown.why}</p>
  return <div ref={element}><Snapshot blocks={shown.blocks} changed={changedBy(event)} /></div>
}

function Slider({ head, seq, said, onSeq }: { head: number; seq: number; said: string; onSeq: (seq: number) => void }) {
  return (
    <div className="slider">
      <label htmlFor="past-seq">Change {seq} of {head}</label>
      <input id="past-seq" type="range" min={Math.min(1, head)} max={head} step={1} value={seq} autoFocus aria-valuetext={said} onChange={(change) => onSeq(change.target.valueAsNumber)} />
      <p className="said">{said}</p>
    </div>
  )
}

function Runs({ events, members, seq, onSeq }: { events: readonly Event[]; members: readonly Member[]; seq: number; onSeq: (seq: number) => void }) {
  return (
    <ol className="runs" aria-label="Who did what, newest first">
      {runsOf(events).map((run) => (
        <li key={run.from}>
          <button type="button" aria-current={seq >= run.from && seq <= run.to ? "step" : undefined} onClick={() => onSeq(run.to)}>
            <span className="dot" data-person={colourOf(run.actor.id)} aria-hidden="true" />
            <span><strong>{nameAmong(run.actor, members)}</strong> {run.what}</span>
            <small>{momentOf(run.at)}</small>
          </button>
        </li>
      ))}
    </ol>
  )
}
