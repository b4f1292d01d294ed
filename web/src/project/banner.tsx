// Says that the hub cannot be reached, and that this is no reason to stop.
//
// Promises: there while it is true; one can try at once.
// Must never: count the seconds aloud.

import { useEffect, useState } from "react"
import type { Client, Project } from "@blockhub/client"
import { useConnection, useSync } from "@blockhub/react"

export function Banner({ client, project }: { client: Client; project: Project }) {
  const connection = useConnection(client)
  const { role } = project
  const kept = useSync(project).drafts === "kept"
  if (connection.state === "open" || connection.state === "closed") return role === "viewer" ? <p className="banner reading" role="status">You can read this project, but not change it.</p> : null
  if (connection.state === "connecting" && project.state.state !== "offline") return null
  return (
    <div className="banner offline">
      <p role="status">You are offline. {kept ? "What you write is kept on this device, and sent when the hub is back." : "Keep this page open: this browser does not store what is unsaved."}</p>
      {connection.state === "waiting" && <Countdown until={connection.until} />}
      <button type="button" onClick={() => client.reconnect()}>Try now</button>
    </div>
  )
}

function Countdown({ until }: { until: number }) {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000)
    return () => clearInterval(timer)
  }, [])
  const seconds = Math.max(0, Math.ceil((until - now) / 1_000))
  return <span className="countdown">{seconds > 0 ? `Next try in ${seconds} s` : "Trying…"}</span>
}
