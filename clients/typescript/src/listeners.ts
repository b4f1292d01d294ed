// Who wants to hear of what.
//
// Promises: each listener is called once per telling, in the order in which they came; what one throws is reported as an
// uncaught error and hinders nobody.
// Must never: call a listener that was taken off.

/** Listeners by key. */
export class Listeners<Key extends string, Args extends unknown[] = []> {
  readonly #byKey = new Map<Key, Set<{ call: (...args: Args) => void }>>()

  /** Answers what takes the listener off again. */
  on(key: Key, call: (...args: Args) => void): () => void {
    const listener = { call }
    const set = this.#byKey.get(key) ?? new Set()
    this.#byKey.set(key, set.add(listener))
    return () => {
      set.delete(listener)
      if (set.size === 0 && this.#byKey.get(key) === set) this.#byKey.delete(key)
    }
  }

  has(key: Key): boolean {
    return this.#byKey.has(key)
  }

  /** Takes off all, but those of one key. */
  end(but?: Key): void {
    for (const [key, set] of this.#byKey) {
      if (key === but) continue
      set.clear()
      this.#byKey.delete(key)
    }
  }

  tell(key: Key, ...args: Args): void {
    const set = this.#byKey.get(key)
    for (const listener of [...(set ?? [])]) if (set!.has(listener)) guarded(() => listener.call(...args))
  }
}

/** Calls what is not ours: what it throws is everybody's to see, and stops nothing here. */
export function guarded(call: () => void): void {
  try {
    call()
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}
