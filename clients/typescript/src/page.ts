// The page that a client lives in, if it lives in one.
//
// Promises: a page that was asleep or cut off looks at once whether the hub is still there.
// Must never: be needed: outside of a browser there is nothing to watch.

export interface PageEvents {
  wake(): void
  hasUnsaved(): boolean
  beforeUnload: "ask" | "leave"
}

/** Answers what takes all listeners off again. */
export function watchPage({ wake, hasUnsaved, beforeUnload }: PageEvents): () => void {
  const { window, document } = globalThis
  if (window === undefined || document === undefined || typeof window.addEventListener !== "function") return () => {}
  const end = new AbortController()
  const { signal } = end
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && wake(), { signal })
  window.addEventListener("online", wake, { signal })
  window.addEventListener("pageshow", wake, { signal })
  if (beforeUnload === "ask")
    window.addEventListener("beforeunload", event => hasUnsaved() && event.preventDefault(), { signal })
  return () => end.abort()
}
