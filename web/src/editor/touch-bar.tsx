// Buttons for those without keys: over the keyboard of a phone, for the block one writes in.
//
// Promises: the text keeps the keyboard while they are pressed.
// Must never: do what keys cannot.

import type { Block } from "@blockhub/client"
import * as commands from "./commands"
import { Icon, type IconName } from "../icons"
import { useEditor } from "./editor"
import * as tree from "./tree"

export function TouchBar({ onUndo, onRedo }: { onUndo: () => void; onRedo: () => void }) {
  const editor = useEditor()
  const { project, focus } = editor
  const act = (command: (block: Block) => commands.Spot | null) => (): void => {
    const held = focus.holding()
    const block = held && project.block(held.block)
    if (block) focus.follow(command(block))
  }
  const buttons: readonly (readonly [IconName, string, () => void])[] = [
    ["plus", "Insert", () => focus.insert("/")],
    ["outdent", "Outdent", act((block) => commands.outdent(project, block))],
    ["indent", "Indent", act((block) => commands.indent(project, block))],
    ["up", "Move up", act((block) => commands.shift(project, block, tree.up(project, block)))],
    ["down", "Move down", act((block) => commands.shift(project, block, tree.down(project, block)))],
    ["undo", "Undo", onUndo],
    ["redo", "Redo", onRedo],
  ]
  return (
    <div className="touch-bar" role="toolbar" aria-label="Block">
      {buttons.map(([icon, name, onPress]) => (
        <button key={name} type="button" aria-label={name} onPointerDown={(event) => event.preventDefault()} onClick={onPress}><Icon name={icon} /></button>
      ))}
    </div>
  )
}
