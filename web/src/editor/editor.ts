// What the parts of one open editor share: the project, the keyboard, the carets, the insert menu.
//
// Promises: one for each project that is shown; made anew for another.
// Must never: hold blocks; the project does.

import { createContext, useContext } from "react"
import type { Json, Project } from "@blockhub/client"
import { Carets, type Cursor } from "./carets"
import { Focus } from "./focus"
import { Slash } from "./slash"
import { Typing } from "./typing"

export class Editor {
  readonly focus = new Focus()
  readonly carets: Carets
  readonly slash: Slash
  readonly typing = new Typing(() => performance.now())

  constructor(readonly project: Project) {
    this.carets = new Carets(project)
    this.slash = new Slash(this)
  }

  get canEdit(): boolean {
    return this.project.role !== "viewer" && this.project.state.state !== "left"
  }

  /** Tells the others where one's caret is. */
  point(cursor: Cursor): void {
    this.project.setPresence({ cursor: { ...cursor } } satisfies Json)
  }

  /** What there is to say of it; null if it simply worked. */
  async undo(): Promise<string | null> {
    this.typing.pause()
    this.focus.passOn()
    return told(await this.project.undo(), "Nothing to undo", "This cannot be undone: somebody has changed it since")
  }

  async redo(): Promise<string | null> {
    this.typing.pause()
    this.focus.passOn()
    return told(await this.project.redo(), "Nothing to redo", "This cannot be done again: somebody has changed it since")
  }
}

function told(outcome: { done: "undone" | "conflict" | "nothing" }, nothing: string, conflict: string): string | null {
  return { nothing, undone: null, conflict }[outcome.done]
}

const Shared = createContext<Editor | null>(null)

export const EditorProvider = Shared.Provider

export function useEditor(): Editor {
  const editor = useContext(Shared)
  if (!editor) throw new Error("useEditor is for what is inside an EditorProvider")
  return editor
}
