// Who is here, and what one tells them of oneself.
//
// Promises: renders when somebody comes, goes, or tells something new; `set` is the same function for a project.
// Must never: send anything by itself.

import { useCallback, useMemo } from "react"
import type { Member, Project } from "@blockhub/client"
import { useChanges } from "./changes.js"

export interface Presence {
  /** Everybody who is here, oneself (`self: true`) too. */
  readonly members: readonly Member[]
  /** Tells the others; the latest wins. */
  readonly set: Project["setPresence"]
}

/** Who is here in this project. */
export function usePresence(project: Project): Presence {
  const members = useChanges(project, "members", () => project.members)
  const set = useCallback<Presence["set"]>((state) => project.setPresence(state), [project])
  return useMemo(() => ({ members, set }), [members, set])
}
