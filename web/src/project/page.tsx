// A project: its header, its document or its past, and what must be settled.
//
// Promises: whatever state the project is in, the page says so and shows what there is.
// Must never: hide unsaved work.

import { useCallback, useEffect, useMemo, useState } from "react"
import type { Client, Project } from "@blockhub/client"
import { useConnection, useProject } from "@blockhub/react"
import { remember, type Me } from "../device"
import { Document } from "../editor/document"
import { Editor, EditorProvider } from "../editor/editor"
import { Past } from "../past/past"
import { go } from "../place"
import { TokenForm, useTokenWish } from "../token-form"
import { Banner } from "./banner"
import { Conflicts } from "./conflicts"
import { Header } from "./header"
import { useInfo } from "./info"
import { Notices, useNotices } from "./notices"
import { Refusals } from "./refusals"
import { useTheme } from "./theme"
import { Title } from "./title"

interface Properties {
  readonly client: Client
  readonly id: string
  readonly me: Me
  readonly onRename: (name: string) => void
  readonly onToken: (token: string) => void
}

export function ProjectPage({ client, id, me, onRename, onToken }: Properties) {
  const project = useProject(client, id)
  const wish = useTokenWish(useConnection(client))
  const [view, setView] = useState<"now" | "past">("now")
  const [notices, notify] = useNotices()
  const { state, title } = project
  useEffect(() => {
    if (state.state === "live") remember(id, title)
  }, [id, state.state, title])
  const theme = useInfo(project)?.theme ?? null
  useTheme(client, theme)
  const toPast = useCallback(() => setView("past"), [])
  const toNow = useCallback(() => setView("now"), [])
  return (
    <div className="project" data-view={view}>
      <title>{title ? `${title} · BlockHub` : "BlockHub"}</title>
      <a className="skip" href="#document">To the document</a>
      <Header client={client} project={project} theme={theme} me={me} onRename={onRename} onPast={toPast} onNotice={notify} />
      <Banner client={client} project={project} />
      <main id="document" tabIndex={-1}>
        {wish !== null && <TokenForm why={wish} onToken={onToken} />}
        <Shown project={project} view={view} onNow={toNow} onNotice={notify} />
      </main>
      <Conflicts project={project} />
      <Refusals project={project} onNotice={notify} />
      <Notices notices={notices} />
    </div>
  )
}

interface ShownProperties {
  readonly project: Project
  readonly view: "now" | "past"
  readonly onNow: () => void
  readonly onNotice: (notice: string) => void
}

function Shown({ project, view, onNow, onNotice }: ShownProperties) {
  const { state, role } = project
  const editor = useMemo(() => new Editor(project), [project, role])
  if (state.state === "left") return <Gone reason={state.reason} />
  if (role === null) return <p className="opening" role="status">Opening…</p>
  if (view === "past") return <Past project={project} onClose={onNow} onNotice={onNotice} />
  return (
    <>
      <Title project={project} onNotice={onNotice} />
      <EditorProvider value={editor}><Document onNotice={onNotice} /></EditorProvider>
    </>
  )
}

const GONE = {
  forbidden: "You no longer have access to this project.",
  deleted: "This project was deleted.",
  not_found: "There is no such project, or you have no access to it.",
  closed: "This project was closed.",
}

function Gone({ reason }: { reason: keyof typeof GONE }) {
  return (
    <div className="gone" role="alert">
      <h1>Nothing to see here</h1>
      <p>{GONE[reason]}</p>
      <button type="button" className="main" onClick={() => go({ page: "start" })}>To the start page</button>
    </div>
  )
}
