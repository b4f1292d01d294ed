// One block on the page, and the list of those under it.
//
// Promises: renders when its own block changes, or those under it come and go.
// Must never: put a block's text into the page but as text.

import { memo } from "react"
import type { Block } from "@blockhub/client"
import { useBlock, useChildren } from "@blockhub/react"
import { useEditor } from "./editor"
import { Divider } from "./divider"
import { Grip } from "./grip"
import { Image } from "./image"
import { kindOf } from "./kinds"
import { Language } from "./language"
import { List } from "./list"
import { Writing } from "./writing"

export const Row = memo(function Row({ id, number }: { id: string; number: number }) {
  const { project, canEdit } = useEditor()
  const block = useBlock(project, id)
  const children = useChildren(project, id)
  if (!block) return null
  return (
    <li className="row" data-block={id} data-kind={block.kind} data-done={block.content["done"] === true || undefined}>
      <div className="line">
        {canEdit && <Grip id={id} kind={block.kind} />}
        <Marker block={block} number={number} />
        <Body block={block} />
      </div>
      {children.length > 0 && <List parent={id} />}
    </li>
  )
})

/** What stands before the text: a point, a number, a box to tick. */
function Marker({ block, number }: { block: Block; number: number }) {
  const { project, canEdit } = useEditor()
  if (block.kind === "bulleted") return <span className="marker" aria-hidden="true">•</span>
  if (block.kind === "numbered") return <span className="marker" aria-hidden="true">{number}.</span>
  if (block.kind !== "todo") return null
  const isDone = block.content["done"] === true
  const toggle = (): void => void project.update(block.id, { done: !isDone })
  return <input className="marker tick" type="checkbox" aria-label="Done" checked={isDone} disabled={!canEdit} onChange={toggle} />
}

function Body({ block }: { block: Block }) {
  const { canEdit } = useEditor()
  if (block.kind === "divider") return <Divider id={block.id} />
  if (block.kind === "image") return <Image block={block} />
  const { name, empty } = kindOf(block.kind)
  const writing = <Writing id={block.id} label={name} empty={canEdit ? empty : ""} isReadOnly={!canEdit} isCode={block.kind === "code"} />
  const level = /^heading([1-3])$/.exec(block.kind)?.[1]
  if (level) return <div className="body" role="heading" aria-level={Number(level)}>{writing}</div>
  if (block.kind === "code") return <div className="body code"><Language block={block} />{writing}</div>
  return <div className="body">{writing}</div>
}
