// One part of a project as a store for React.
//
// Promises: renders when what `read` gives is another value, and only for the keys it listens to.
// Must never: make values; `read` has to give the same one until it changed.

import { useCallback, useSyncExternalStore } from "react"
import type { Project } from "@blockhub/client"

/** What `Project.on` can tell of. */
export type Key = Parameters<Project["on"]>[0]

/** The value that `read` finds in the project, kept up to date by the changes that `key` names. */
export function useChanges<Value>(project: Project, key: Key, read: () => Value): Value {
  const subscribe = useCallback((listener: () => void) => project.on(key, listener), [project, key])
  return useSyncExternalStore(subscribe, read)
}
