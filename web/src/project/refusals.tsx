// Says when the hub refused an edit for good, with the reason.
//
// Promises: each refusal is told once; what lost a conflict was chosen, and is not told.
// Must never: take the edit for saved.

import { useEffect, useRef } from "react"
import type { Edit, Project } from "@blockhub/client"
import { useSync } from "@blockhub/react"

export function Refusals({ project, onNotice }: { project: Project; onNotice: (notice: string) => void }) {
  const { edits } = useSync(project)
  const told = useRef(new Set<string>())
  useEffect(() => {
    for (const edit of edits) {
      const why = refusalOf(edit)
      if (why === null || told.current.has(edit.id)) continue
      told.current.add(edit.id)
      onNotice(`A change was not taken: ${why}`)
    }
  }, [edits, onNotice])
  return null
}

/** Why an edit was refused; null if it was not, or by choice. */
function refusalOf({ state }: Edit): string | null {
  return state.status === "rejected" && state.code !== "conflict" ? state.message : null
}
