// Who still holds something that must be closed in the end: a client, or a project that several components show.
//
// Promises: it is closed once, after the last holder let go, or when nobody took it within `UNCLAIMED_MS`; that counts
// from where it was opened, for React may throw away what a render opened.
// Must never: close what is taken up again at once, as React's strict mode does with every component.

import { useEffect } from "react"

interface Closable {
  close(): void
}

/** React may throw a render away: what that render opened is closed after this time. */
const UNCLAIMED_MS = 5_000

class Lease {
  private holders = 0
  private readonly unclaimed: ReturnType<typeof setTimeout>

  constructor(private readonly held: Closable, private readonly ended: () => void) {
    this.unclaimed = setTimeout(() => this.end(), UNCLAIMED_MS)
  }

  hold(): () => void {
    clearTimeout(this.unclaimed)
    this.holders += 1
    return () => {
      this.holders -= 1
      queueMicrotask(() => this.holders === 0 && this.end())
    }
  }

  private end(): void {
    this.ended()
    this.held.close()
  }
}

/** One lease for each thing that is open: components that ask for the same project share it. */
const leases = new WeakMap<Closable, Lease>()

/** Begins the lease of what was just opened, unless it has one. */
export function leaseOf(held: Closable): Lease {
  const lease = leases.get(held) ?? new Lease(held, () => leases.delete(held))
  leases.set(held, lease)
  return lease
}

/** Keeps `held` open while the component is there. Call it in the render that opened `held`. */
export function useLease(held: Closable): void {
  const lease = leaseOf(held)
  useEffect(() => lease.hold(), [lease])
}
