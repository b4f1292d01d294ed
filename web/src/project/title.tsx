// The project's title, which owners can change in place.
//
// Promises: Enter leads on to the text; Escape takes the change back.
// Must never: send a title that did not change.

import type { KeyboardEvent, SyntheticEvent } from "react"
import type { Project } from "@blockhub/client"

export function Title({ project, onNotice }: { project: Project; onNotice: (notice: string) => void }) {
  const { title, role } = project
  if (role !== "owner") return <h1 className="title">{title}</h1>
  const write = (event: SyntheticEvent<HTMLInputElement>): void => {
    const given = event.currentTarget.value.trim()
    if (given !== "" && given !== title) project.rename(given).catch((error: Error) => onNotice(`The title was not changed: ${error.message}`))
    else event.currentTarget.value = title
  }
  // Another one's title comes in as another field: the key makes it new.
  return (
    <h1 className="title">
      <input key={title} aria-label="Title" defaultValue={title} maxLength={200} autoComplete="off" onBlur={write} onKeyDown={(event) => pressed(event, title)} />
    </h1>
  )
}

function pressed(event: KeyboardEvent<HTMLInputElement>, title: string): void {
  if (event.key !== "Enter" && event.key !== "Escape") return
  event.preventDefault()
  if (event.key === "Escape") event.currentTarget.value = title
  event.currentTarget.blur()
  if (event.key === "Enter") document.querySelector<HTMLElement>(".document textarea, .document .write-on")?.focus()
}
