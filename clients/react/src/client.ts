// The connection to the hub, for components.
//
// Promises: one client for as long as the hub and the user stay the same; it is closed when its component goes.
// Must never: connect again because an option is a new object with the same meaning.

import { useCallback, useMemo, useRef, useSyncExternalStore } from "react"
import { connect, type Client, type ConnectionState, type ConnectOptions } from "@blockhub/client"
import { leaseOf, useLease } from "./lease.js"

/** A client for this component and those below. Another `url` or `user` makes another client; other options count when it is made. */
export function useClient(options: ConnectOptions): Client {
  const latest = useRef(options)
  latest.current = options
  const { url, user } = options
  const client = useMemo(() => {
    const made = connect(latest.current)
    leaseOf(made) // At once: strict mode makes two, and this hook sees but one of them.
    return made
  }, [url, user?.id, user?.name])
  useLease(client)
  return client
}

/** How the connection stands; renders with each change. */
export function useConnection(client: Client): ConnectionState {
  const subscribe = useCallback((listener: () => void) => client.onConnection(listener), [client])
  return useSyncExternalStore(subscribe, () => client.connection)
}
