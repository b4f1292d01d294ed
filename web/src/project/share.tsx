// The link to a project, what everybody with it may do, and how it looks to them.
//
// Promises: one press copies the link; owners alone choose the access and the look.
// Must never: say that it copied when it did not.

import type { ChangeEvent } from "react"
import type { Access, Client, Project } from "@blockhub/client"
import { linkTo } from "../place"
import { give, lookOf, LOOKS } from "./looks"

const ACCESS: readonly (readonly [Access, string])[] = [["none", "only members"], ["viewer", "everybody can read"], ["editor", "everybody can write"]]

interface Properties {
  readonly client: Client
  readonly project: Project
  /** Its id. */
  readonly theme: string | null
  readonly onNotice: (notice: string) => void
}

export function Share({ client, project, theme, onNotice }: Properties) {
  const link = linkTo(project.id)
  const copy = (): void => void write(link).then(() => onNotice("Link copied"), () => onNotice("Copy the link by hand: the browser did not allow it"))
  const choose = (event: ChangeEvent<HTMLSelectElement>): void => {
    project.setAccess(event.target.value as Access).catch((error: Error) => onNotice(`The access was not changed: ${error.message}`))
  }
  return (
    <>
      <button type="button" className="main" popoverTarget="share">Share</button>
      <div id="share" className="panel" popover="auto" aria-label="Share">
        <label>Link<input readOnly value={link} onFocus={(event) => event.target.select()} /></label>
        <button type="button" className="main" onClick={copy}>Copy link</button>
        {project.role === "owner" && (
          <label>Who else may come
            <select value={project.access ?? "none"} onChange={choose}>
              {ACCESS.map(([access, name]) => <option key={access} value={access}>{name}</option>)}
            </select>
          </label>
        )}
        {project.role === "owner" && <Look client={client} project={project} theme={theme} onNotice={onNotice} />}
      </div>
    </>
  )
}

/** What everybody who opens the project sees it in. */
function Look({ client, project, theme, onNotice }: Properties) {
  const choose = ({ target }: ChangeEvent<HTMLSelectElement>): void => {
    give(client, project, target.value).catch((error: Error) => onNotice(`The look was not changed: ${error.message}`))
  }
  const look = lookOf(theme)
  return (
    <label>How it looks
      <select value={look ?? "own"} onChange={choose}>
        <option value="">as the page comes</option>
        {Object.entries(LOOKS).map(([id, { name }]) => <option key={id} value={id}>{name}</option>)}
        {look === null && <option value="own" disabled>a theme of its own</option>}
      </select>
    </label>
  )
}

async function write(text: string): Promise<void> {
  await navigator.clipboard.writeText(text)
}
