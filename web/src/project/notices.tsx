// Short words about what just happened, at the foot of the page.
//
// Promises: read out politely; gone by themselves; at most `NOTICES_MAX` at once.
// Must never: ask for anything, or be the only sign of lost work.

import { useCallback, useState } from "react"

export interface Notice {
  readonly id: string
  readonly text: string
}

const NOTICES_MAX = 3
const NOTICE_MS = 5_000

/** The notices to show, and how to add one. */
export function useNotices(): [readonly Notice[], (text: string) => void] {
  const [notices, setNotices] = useState<readonly Notice[]>([])
  const notify = useCallback((text: string) => {
    const notice = { id: crypto.randomUUID(), text }
    setNotices((before) => [...before, notice].slice(-NOTICES_MAX))
    setTimeout(() => setNotices((before) => before.filter((each) => each !== notice)), NOTICE_MS)
  }, [])
  return [notices, notify]
}

export function Notices({ notices }: { notices: readonly Notice[] }) {
  return (
    <div className="notices" role="status" aria-live="polite">
      {notices.map((notice) => <p key={notice.id}>{notice.text}</p>)}
    </div>
  )
}
