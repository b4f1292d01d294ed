// The bar over a project: where one is, whether it is saved, who is here, and what one can do.
//
// Promises: in the same order for eyes and for the keyboard.
// Must never: hide a button that has no other way.

import type { Client, Project } from "@blockhub/client"
import type { Me } from "../device"
import { LookButton } from "../look"
import { go } from "../place"
import { Here } from "./here"
import { Saved } from "./saved"
import { Share } from "./share"

interface Properties {
  readonly client: Client
  readonly project: Project
  /** Its id. */
  readonly theme: string | null
  readonly me: Me
  readonly onRename: (name: string) => void
  readonly onPast: () => void
  readonly onNotice: (notice: string) => void
}

export function Header({ client, project, theme, me, onRename, onPast, onNotice }: Properties) {
  return (
    <header className="bar">
      <a className="brand" href="/" aria-label="BlockHub, start page" onClick={home}><span className="mark" aria-hidden="true" /><span className="brand-name">BlockHub</span></a>
      <Saved project={project} />
      <span className="gap" />
      <Here project={project} me={me} onRename={onRename} />
      <button type="button" className="quiet" onClick={onPast} disabled={project.state.state !== "live"}>History</button>
      <Share client={client} project={project} theme={theme} onNotice={onNotice} />
      <LookButton />
    </header>
  )
}

function home(event: React.MouseEvent): void {
  if (event.metaKey || event.ctrlKey || event.shiftKey) return
  event.preventDefault()
  go({ page: "start" })
}
