// The start page: make a project, go back to one, say who you are.
//
// Promises: works with the keyboard alone; says why a project could not be made.
// Must never: list projects that were not opened on this device.

import { useState, type FormEvent } from "react"
import type { Client } from "@blockhub/client"
import { useConnection } from "@blockhub/react"
import { forget, readRecents, type Me, type Recent } from "../device"
import { Icon } from "../icons"
import { LookButton } from "../look"
import { go } from "../place"
import { dayOf } from "../time"
import { TokenForm, useTokenWish } from "../token-form"
import { STARTERS } from "./starters"

interface Properties {
  readonly client: Client
  readonly me: Me
  readonly onRename: (name: string) => void
  readonly onToken: (token: string) => void
}

export function Start({ client, me, onRename, onToken }: Properties) {
  const wish = useTokenWish(useConnection(client))
  return (
    <div className="start">
      <title>BlockHub</title>
      <header className="start-head">
        <span className="brand"><span className="mark" aria-hidden="true" />BlockHub</span>
        <LookButton />
      </header>
      <main>
        <h1>Write together.</h1>
        <p className="lead">A page of blocks that everybody with the link can edit, at once. Each letter is kept, also when the network is not.</p>
        {wish !== null && <TokenForm why={wish} onToken={onToken} />}
        <Create client={client} />
        <Name me={me} onRename={onRename} />
        <Recents />
      </main>
    </div>
  )
}

function Create({ client }: { client: Client }) {
  const [chosen, setChosen] = useState(0)
  const [state, setState] = useState<{ at: "rest" } | { at: "making" } | { at: "failed"; why: string }>({ at: "rest" })
  const create = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault()
    const starter = STARTERS[chosen]!
    const title = String(new FormData(event.currentTarget).get("title")).trim() || starter.title
    setState({ at: "making" })
    try {
      const made = await client.createProject({ title, blocks: [...starter.blocks] })
      go({ page: "project", id: made.id })
    } catch (error) {
      setState({ at: "failed", why: error instanceof Error ? error.message : String(error) })
    }
  }
  return (
    <form className="card create" onSubmit={(event) => void create(event)} aria-labelledby="create">
      <h2 id="create">A new project</h2>
      <label>Title<input name="title" autoFocus maxLength={200} placeholder={STARTERS[chosen]!.title} autoComplete="off" /></label>
      <fieldset className="starters">
        <legend>Begin with</legend>
        {STARTERS.map((starter, index) => (
          <label key={starter.name}>
            <input type="radio" name="starter" checked={index === chosen} onChange={() => setChosen(index)} />
            <span><strong>{starter.name}</strong><small>{starter.hint}</small></span>
          </label>
        ))}
      </fieldset>
      <button type="submit" className="main" disabled={state.at === "making"}>{state.at === "making" ? "Creating…" : "Create"}</button>
      {state.at === "failed" && <p className="wrong" role="alert">{state.why}</p>}
    </form>
  )
}

function Name({ me, onRename }: { me: Me; onRename: (name: string) => void }) {
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    onRename(String(new FormData(event.currentTarget).get("name")))
  }
  return (
    <form className="card name" onSubmit={submit}>
      <label>Your name, as others see it<input name="name" defaultValue={me.name} maxLength={60} autoComplete="nickname" /></label>
      <button type="submit">Keep</button>
    </form>
  )
}

function Recents() {
  const [recents, setRecents] = useState(readRecents)
  if (recents.length === 0) return null
  const drop = (recent: Recent): void => {
    forget(recent.id)
    setRecents(readRecents())
  }
  return (
    <section className="card recents" aria-labelledby="recents">
      <h2 id="recents">Opened lately</h2>
      <ul>
        {recents.map((recent) => (
          <li key={recent.id}>
            <a href={`/p/${recent.id}`} onClick={(event) => open(event, recent.id)}>{recent.title || "Untitled"}</a>
            <small>{dayOf(new Date(recent.at))}</small>
            <button type="button" className="icon" aria-label={`Take ${recent.title} off this list`} onClick={() => drop(recent)}><Icon name="cross" /></button>
          </li>
        ))}
      </ul>
    </section>
  )
}

/** Within the page, unless it is to be another tab. */
function open(event: React.MouseEvent, id: string): void {
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return
  event.preventDefault()
  go({ page: "project", id })
}
