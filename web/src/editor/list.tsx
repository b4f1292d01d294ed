// The blocks under one parent, and the keyboard kept where it is while they change places.
//
// Promises: a list renders when its order changes, a row when its block does.
// Must never: render for typing.

import { Component, memo } from "react"
import { useChildren } from "@blockhub/react"
import { useEditor } from "./editor"
import type { Focus, Holding } from "./focus"
import { Row } from "./row"

export const List = memo(function List({ parent }: { parent: string | null }) {
  const { project, focus } = useEditor()
  const ids = useChildren(project, parent)
  let number = 0
  const rows = ids.map((id) => {
    number = project.block(id)?.kind === "numbered" ? number + 1 : 0
    return <Row key={id} id={id} number={number} />
  })
  return (
    <ul className="list" role="list">
      {rows}
      <KeptFocus focus={focus} ids={ids} />
    </ul>
  )
})

/** A block that is moved on the page loses the keyboard; this gives it back. */
class KeptFocus extends Component<{ focus: Focus; ids: readonly string[] }> {
  override shouldComponentUpdate(next: { ids: readonly string[] }): boolean {
    return next.ids !== this.props.ids
  }

  override getSnapshotBeforeUpdate(): Holding | null {
    return this.props.focus.holding()
  }

  override componentDidUpdate(before: { ids: readonly string[] }, _state: unknown, held: Holding | null): void {
    if (held) this.props.focus.restore(held, before.ids, this.props.ids)
  }

  override render(): null {
    return null
  }
}
