// What the hub says of a project beside its blocks.
//
// Promises: read once it is open, and whenever the hub says that it changed; the answer to the last question counts.
// Must never: ask at each join: after a hub has gone, everybody joins at once.

import { useEffect, useState } from "react"
import type { Project, ProjectInfo } from "@blockhub/client"

/** Null until it is known. */
export function useInfo(project: Project): ProjectInfo | null {
  const [info, setInfo] = useState<ProjectInfo | null>(null)
  useEffect(() => {
    let asked = 0
    const read = (): void => {
      const question = ++asked
      // Without an answer the next change asks again.
      project.info().then((told) => question === asked && setInfo(told), () => {})
    }
    const begin = (): void => {
      if (asked === 0 && project.state.state === "live") read()
    }
    const offs = [project.on("info", read), project.on("state", begin)]
    begin()
    return () => {
      asked += 1
      offs.forEach((off) => off())
    }
  }, [project])
  return info
}
