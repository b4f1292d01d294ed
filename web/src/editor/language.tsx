// Which language a code block is in: a small field over it.
//
// Promises: written when the field is left or Enter is pressed, not with every letter.
// Must never: judge the name; any is allowed.

import type { KeyboardEvent, SyntheticEvent } from "react"
import type { Block } from "@blockhub/client"
import { useEditor } from "./editor"

export function Language({ block }: { block: Block }) {
  const { project, canEdit } = useEditor()
  const { language } = block.content
  const known = typeof language === "string" ? language : ""
  const write = (event: SyntheticEvent<HTMLInputElement>): void => {
    const given = event.currentTarget.value.trim()
    if (given !== known) project.update(block.id, { language: given === "" ? null : given })
  }
  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>): void => {
    if (event.key === "Enter") event.currentTarget.blur()
  }
  // Another one's choice comes in as another field: the key makes it new.
  return <input key={known} className="language" aria-label="Language" placeholder="Language" defaultValue={known} readOnly={!canEdit} onBlur={write} onKeyDown={onKeyDown} />
}
