// What the hub says of a project beside its blocks.
//
// Promises: read with each join, and whenever the hub says that it changed; the answer to the last question counts.
// Must never: keep the document waiting.

import { useEffect, useState } from "react"
import type { Project, ProjectInfo } from "@blockhub/client"

/** Null until it is known. */
export function useInfo(project: Project): ProjectInfo | null {
  const [info, setInfo] = useState<ProjectInfo | null>(null)
  useEffect(() => {
    let asked = 0
    const read = (): void => {
      const question = ++asked
      // The hub may be away: the next join asks again.
      project.info().then((told) => question === asked && setInfo(told), () => {})
    }
    const off = project.on("info", read)
    if (project.state.state === "live") read()
    return () => {
      asked += 1
      off()
    }
  }, [project])
  return info
}
