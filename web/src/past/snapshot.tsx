// A project as it was, to be read.
//
// Promises: looks like the document, and cannot be changed; what the chosen event changed is marked.
// Must never: take part in the live project.

import { memo } from "react"
import type { Block } from "@blockhub/client"
import { pictureAddress } from "../editor/image"
import { textOf } from "../editor/kinds"

interface Properties {
  readonly blocks: readonly Block[]
  readonly changed: ReadonlySet<string>
}

export const Snapshot = memo(function Snapshot({ blocks, changed }: Properties) {
  const under = new Map<string | null, Block[]>()
  for (const block of blocks) under.set(block.parent, [...(under.get(block.parent) ?? []), block])
  for (const list of under.values()) list.sort((one, other) => (one.position < other.position ? -1 : 1))
  if (blocks.length === 0) return <p className="faint">Nothing was written yet.</p>
  return <Level under={under} parent={null} changed={changed} />
})

function Level({ under, parent, changed }: { under: ReadonlyMap<string | null, readonly Block[]>; parent: string | null; changed: ReadonlySet<string> }) {
  const blocks = under.get(parent) ?? []
  let number = 0
  return (
    <ul className="list" role="list">
      {blocks.map((block) => {
        number = block.kind === "numbered" ? number + 1 : 0
        return (
          <li key={block.id} className="row" data-kind={block.kind} data-done={block.content["done"] === true || undefined} data-changed={changed.has(block.id) || undefined}>
            <div className="line"><Marker block={block} number={number} /><Body block={block} /></div>
            {under.has(block.id) && <Level under={under} parent={block.id} changed={changed} />}
          </li>
        )
      })}
    </ul>
  )
}

function Marker({ block, number }: { block: Block; number: number }) {
  if (block.kind === "bulleted") return <span className="marker" aria-hidden="true">•</span>
  if (block.kind === "numbered") return <span className="marker">{number}.</span>
  if (block.kind === "todo") return <input className="marker tick" type="checkbox" aria-label="Done" checked={block.content["done"] === true} disabled readOnly />
  return null
}

function Body({ block }: { block: Block }) {
  if (block.kind === "divider") return <div className="body divider"><hr /></div>
  if (block.kind === "image") return <Picture block={block} />
  const level = /^heading([1-3])$/.exec(block.kind)?.[1]
  const heading = level ? { role: "heading", "aria-level": Number(level) } : {}
  return <div className={block.kind === "code" ? "body code" : "body"} {...heading}><div className="read">{textOf(block) || "\u200b"}</div></div>
}

function Picture({ block }: { block: Block }) {
  const url = pictureAddress(block.content["url"])
  const alt = typeof block.content["alt"] === "string" ? block.content["alt"] : ""
  return <figure className="body image">{url ? <img src={url} alt={alt} loading="lazy" referrerPolicy="no-referrer" /> : <p className="faint">No image yet</p>}</figure>
}
