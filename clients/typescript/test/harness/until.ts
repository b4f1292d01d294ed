// Waiting for a condition: looked at again and again, until it holds or patience ends.
//
// Must never: be used to let time pass.

const PATIENCE_MS = 20_000

/** Fails with what was waited for. */
export async function until(
  what: string,
  holds: () => unknown | Promise<unknown>,
  patienceMs = PATIENCE_MS,
): Promise<void> {
  const end = Date.now() + patienceMs
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`waited in vain for: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}
