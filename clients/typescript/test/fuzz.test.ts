// A seeded fuzz on a real hub, which is killed and started again.
//
// `FUZZ_SEED=n` replays the choices of a run; `FUZZ_ROUNDS=n` makes it longer.

import { test } from "vitest"
import { seed } from "./harness/chance.js"
import { Hub } from "./harness/hub.js"
import { fuzz } from "./harness/people.js"

const ROUNDS = Number(process.env.FUZZ_ROUNDS ?? 400)
const timeout = 60_000 + ROUNDS * 200

test("ed13_jn1_whatever_happens_all_end_alike_and_nothing_saved_is_missing", { timeout }, async () => {
  const hub = await Hub.start()
  try {
    await fuzz([hub], seed(), ROUNDS)
  } finally {
    await hub.stop()
  }
})
