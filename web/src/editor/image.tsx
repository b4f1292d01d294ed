// A picture by its address, with words for those who cannot see it.
//
// Promises: only http, https and data:image addresses are asked for.
// Must never: load what is typed before it is confirmed.

import { useRef, useState, type FormEvent } from "react"
import type { Block } from "@blockhub/client"
import { useBox } from "./box"
import { useEditor } from "./editor"

/** The address, if a picture may be loaded from it; else null. */
export function pictureAddress(url: unknown): string | null {
  if (typeof url !== "string" || !URL.canParse(url)) return null
  return /^(https?:|data:image\/)/i.test(new URL(url).href) ? url : null
}

export function Image({ block }: { block: Block }) {
  const { canEdit } = useEditor()
  const element = useRef<HTMLElement>(null)
  const pressed = useBox(block.id, element)
  const [isAsking, setAsking] = useState(false)
  const url = pictureAddress(block.content["url"])
  const alt = typeof block.content["alt"] === "string" ? block.content["alt"] : ""
  return (
    <figure ref={element} className="body box image" tabIndex={0} aria-label={alt ? `Image: ${alt}` : "Image"} onKeyDown={pressed}>
      {url && <img src={url} alt={alt} loading="lazy" referrerPolicy="no-referrer" />}
      {url && !isAsking && alt && <figcaption>{alt}</figcaption>}
      {url && canEdit && !isAsking && <button type="button" className="small" onClick={() => setAsking(true)}>Change image</button>}
      {canEdit && (isAsking || !url) && <Form block={block} onDone={() => setAsking(false)} />}
      {!canEdit && !url && <p className="faint">No image yet</p>}
    </figure>
  )
}

function Form({ block, onDone }: { block: Block; onDone: () => void }) {
  const { project } = useEditor()
  const [wrong, setWrong] = useState("")
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    const given = new FormData(event.currentTarget)
    const url = String(given.get("url")).trim()
    if (!pictureAddress(url)) return setWrong("An address begins with https:// or http://")
    project.update(block.id, { url, alt: String(given.get("alt")).trim() })
    onDone()
  }
  const { url, alt } = block.content
  return (
    <form className="image-form" onSubmit={submit} noValidate>
      <label>Address of the image<input name="url" type="url" inputMode="url" placeholder="https://" defaultValue={typeof url === "string" ? url : ""} aria-invalid={wrong !== ""} aria-describedby={wrong ? `wrong-${block.id}` : undefined} /></label>
      <label>What it shows<input name="alt" defaultValue={typeof alt === "string" ? alt : ""} /></label>
      <button type="submit" className="main">Show</button>
      {wrong && <p id={`wrong-${block.id}`} className="wrong" role="alert">{wrong}</p>}
    </form>
  )
}
