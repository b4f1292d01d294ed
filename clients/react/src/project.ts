// A project, how far it is, and what of it is saved.
//
// Promises: a project is joined while a component uses it, and left when the last one is gone.
// Must never: render for each event; `useSeq` is for those who want that.

import type { Client, Project, Sync } from "@blockhub/client"
import { useChanges } from "./changes.js"
import { useLease } from "./lease.js"

/** The project of this id, joined. Renders when its state, title, role or access changes. */
export function useProject(client: Client, id: string): Project {
  const project = client.project(id)
  useLease(project)
  useChanges(project, "state", () => standing(project))
  return project
}

/** The number of the last event that was taken in; renders with each event. */
export function useSeq(project: Project): number {
  return useChanges(project, "state", () => project.seq)
}

/** How many edits are not saved, since when, and which. */
export function useSync(project: Project): Sync {
  return useChanges(project, "sync", () => project.sync)
}

/** All of a project that `useProject` renders for, as one value. */
function standing(project: Project): string {
  return JSON.stringify([project.state, project.title, project.role, project.access])
}
