// Times, as people read them, in their own language and zone.
//
// Promises: pure; today's times have no date.
// Must never: show seconds.

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hour12: false })
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long" })

export function clockOf(time: Date): string {
  return clock.format(time)
}

/** The day, or "today". */
export function dayOf(time: Date, now: Date = new Date()): string {
  return time.toDateString() === now.toDateString() ? "today" : day.format(time)
}

/** The clock, with the day unless it is today. */
export function momentOf(time: Date, now: Date = new Date()): string {
  return time.toDateString() === now.toDateString() ? clockOf(time) : `${day.format(time)}, ${clockOf(time)}`
}
