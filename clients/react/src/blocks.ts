// Blocks, for components.
//
// Promises: a component renders only when its own block, or its own list, has changed.
// Must never: render a list because a block in it was typed in, if only the order is asked for.

import { useRef } from "react"
import type { Block, Project } from "@blockhub/client"
import { useChanges } from "./changes.js"

/** The block as one sees it, own unsaved edits included; undefined once it is gone. */
export function useBlock(project: Project, id: string): Block | undefined {
  return useChanges(project, `block:${id}`, () => project.block(id))
}

/** The blocks under `parent` (null: at the top), in order. Renders when one of them, or their order, changes. */
export function useBlocks(project: Project, parent: string | null = null): readonly Block[] {
  return useChanges(project, `children:${parent ?? ""}`, () => project.children(parent))
}

/** The ids of the blocks under `parent`, in order. Renders only when a block comes, goes or moves: for long lists. */
export function useChildren(project: Project, parent: string | null = null): readonly string[] {
  const last = useRef<readonly string[]>([])
  return useChanges(project, `children:${parent ?? ""}`, () => {
    last.current = sameOr(last.current, project.children(parent))
    return last.current
  })
}

/** The ids of `blocks`: the list one had, if it says the same. */
function sameOr(had: readonly string[], blocks: readonly Block[]): readonly string[] {
  const same = had.length === blocks.length && blocks.every((block, index) => block.id === had[index])
  return same ? had : blocks.map((block) => block.id)
}
