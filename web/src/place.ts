// The page's address: the start page, or a project as `/p/<id>` or `/#<id>`.
//
// Promises: back and forward work; an address can be shared as it is.
// Must never: load the page anew to go from one place to another.

import { useSyncExternalStore } from "react"

export type Place = { page: "start" } | { page: "project"; id: string }

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** The place that an address names. */
export function placeOf(url: { pathname: string; hash: string }): Place {
  const named = /^\/p\/([^/]+)\/?$/.exec(url.pathname)?.[1] ?? url.hash.slice(1)
  return ID.test(named) ? { page: "project", id: named.toLowerCase() } : { page: "start" }
}

/** The link that leads others here. */
export function linkTo(project: string): string {
  return `${window.location.origin}/p/${project}`
}

export function go(place: Place): void {
  window.history.pushState(null, "", place.page === "start" ? "/" : `/p/${place.id}`)
  window.dispatchEvent(new PopStateEvent("popstate"))
}

/** A project named behind `#` moves into the path: what comes behind `#` then is a place in the document. */
export function settle(): void {
  const place = placeOf(window.location)
  if (place.page === "project" && window.location.pathname === "/") window.history.replaceState(null, "", `/p/${place.id}`)
}

export function usePlace(): Place {
  const address = useSyncExternalStore(follow, () => window.location.pathname + window.location.hash)
  return placeOf(new URL(address, window.location.origin))
}

function follow(listener: () => void): () => void {
  const names = ["popstate", "hashchange"]
  names.forEach((name) => window.addEventListener(name, listener))
  return () => names.forEach((name) => window.removeEventListener(name, listener))
}
