// The page as a whole: who one is, the connection, and which place is shown.
//
// Promises: one connection for all places; another name or token makes another.
// Must never: know what is in a project.

import { useState } from "react"
import type { ConnectOptions } from "@blockhub/client"
import { useClient } from "@blockhub/react"
import { readMe, readToken, writeMe, writeToken, type Me } from "./device"
import { usePlace } from "./place"
import { ProjectPage } from "./project/page"
import { Start } from "./start/start"

export function App() {
  const [me, setMe] = useState(readMe)
  const [token, setToken] = useState(readToken)
  const rename = (name: string): void => {
    const renamed = { ...me, name: name.trim() || "Guest" }
    writeMe(renamed)
    setMe(renamed)
  }
  const enter = (given: string): void => {
    writeToken(given)
    setToken(given)
  }
  return <Connected key={`${me.name} ${token}`} me={me} token={token} onRename={rename} onToken={enter} />
}

interface Properties {
  readonly me: Me
  readonly token: string | null
  readonly onRename: (name: string) => void
  readonly onToken: (token: string) => void
}

function Connected({ me, token, onRename, onToken }: Properties) {
  const place = usePlace()
  const options: ConnectOptions = token === null ? { user: me } : { token: () => token }
  const client = useClient(options)
  if (place.page === "start") return <Start client={client} me={me} onRename={onRename} onToken={onToken} />
  return <ProjectPage key={place.id} client={client} id={place.id} me={me} onRename={onRename} onToken={onToken} />
}
