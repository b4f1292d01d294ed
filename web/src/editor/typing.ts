// Which typing is undone together: a run in one block without a pause.
//
// Promises: pure but for the ids; the time comes from outside.
// Must never: tie what was typed in two blocks together.

/** A pause of this length begins another run. */
const PAUSE_MS = 1_200

export class Typing {
  private run: { block: string; group: string; at: number } | null = null

  /** @param now milliseconds that only go up */
  constructor(private readonly now: () => number) {}

  /** The group of what is typed in this block now. */
  group(block: string): string {
    const at = this.now()
    const goesOn = this.run?.block === block && at - this.run.at < PAUSE_MS
    this.run = { block, group: goesOn ? this.run!.group : crypto.randomUUID(), at }
    return this.run.group
  }

  pause(): void {
    this.run = null
  }
}
