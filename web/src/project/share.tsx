// The link to a project, and what everybody with it may do.
//
// Promises: one press copies the link; owners alone choose the access.
// Must never: say that it copied when it did not.

import type { ChangeEvent } from "react"
import type { Access, Project } from "@blockhub/client"
import { linkTo } from "../place"

const ACCESS: readonly (readonly [Access, string])[] = [["none", "only members"], ["viewer", "everybody can read"], ["editor", "everybody can write"]]

export function Share({ project, onNotice }: { project: Project; onNotice: (notice: string) => void }) {
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
      </div>
    </>
  )
}

async function write(text: string): Promise<void> {
  await navigator.clipboard.writeText(text)
}
