// For a hub that asks who one is: the token one was given.
//
// Promises: says why it is asked.
// Must never: put the token into an address.

import { useRef, type FormEvent } from "react"
import type { ConnectionState } from "@blockhub/client"

/** Why a token is asked for; null while none is. It stays while the client tries again, so that what is typed stays too. */
export function useTokenWish(connection: ConnectionState): string | null {
  const wish = useRef<string | null>(null)
  if (connection.state !== "connecting") wish.current = wishOf(connection)
  return wish.current
}

/** The hub's reasons name the token where it is at fault; a network that is away does not. */
function wishOf(connection: ConnectionState): string | null {
  if (connection.state === "closed") return connection.why
  return connection.state === "waiting" && /token/i.test(connection.why) ? connection.why : null
}

export function TokenForm({ why, onToken }: { why: string; onToken: (token: string) => void }) {
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    onToken(String(new FormData(event.currentTarget).get("token")).trim())
  }
  return (
    <form className="card token" onSubmit={submit}>
      <p role="alert">{why}</p>
      <label>Token for this hub<input name="token" type="password" autoComplete="off" required /></label>
      <button type="submit" className="main">Connect</button>
    </form>
  )
}
