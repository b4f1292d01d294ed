// Who is here: a round sign for each person; one's own leads to one's name.
//
// Promises: each person once, however many pages they have open; pressing one goes to where they are.
// Must never: show more than `SHOWN_MAX` signs.

import type { FormEvent } from "react"
import type { Project } from "@blockhub/client"
import { usePresence } from "@blockhub/react"
import type { Me } from "../device"
import { cursorOf } from "../editor/carets"
import { colourOf, initialsOf, nameOf, peopleOf, type Person } from "./people"

const SHOWN_MAX = 5

export function Here({ project, me, onRename }: { project: Project; me: Me; onRename: (name: string) => void }) {
  const { members } = usePresence(project)
  const people = peopleOf(members)
  const hidden = people.slice(SHOWN_MAX)
  return (
    <>
      <ul className="here" aria-label="Who is here">
        {people.slice(0, SHOWN_MAX).map((person) => <li key={person.user.id}><Avatar person={person} /></li>)}
        {hidden.length > 0 && <li><span className="avatar" title={hidden.map((person) => nameOf(person.user)).join(", ")}>+{hidden.length}</span></li>}
      </ul>
      <div id="me" className="panel" popover="auto" aria-label="You">
        <NameForm me={me} onRename={onRename} />
      </div>
    </>
  )
}

function Avatar({ person }: { person: Person }) {
  const name = nameOf(person.user)
  const shared = { type: "button", className: "avatar", "data-person": colourOf(person.user.id), "data-initials": initialsOf(person.user) } as const
  if (person.self) return <button {...shared} popoverTarget="me" aria-label={`${name} (you): change your name`} title={`${name} (you)`} />
  return <button {...shared} aria-label={`${name}: go there`} title={name} onClick={() => visit(person)} />
}

function visit(person: Person): void {
  const cursor = person.members.map(cursorOf).find((each) => each !== null)
  if (!cursor) return
  document.querySelector(`[data-block="${CSS.escape(cursor.block)}"] > .line`)?.scrollIntoView({ block: "center" })
}

function NameForm({ me, onRename }: { me: Me; onRename: (name: string) => void }) {
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    onRename(String(new FormData(event.currentTarget).get("name")))
  }
  return (
    <form onSubmit={submit}>
      <label>Your name, as others see it<input name="name" defaultValue={me.name} maxLength={60} autoComplete="nickname" /></label>
      <button type="submit" className="main">Keep</button>
    </form>
  )
}
