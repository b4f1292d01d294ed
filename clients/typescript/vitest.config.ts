// How the tests run: on two workers; a real hub may take its time to start. Two hubs need Postgres and Redis: without
// BLOCKHUB_TEST_POSTGRES and BLOCKHUB_TEST_REDIS (see `./test with`) that file is left out, and said to be.
import { defineConfig } from "vitest/config"

const hasServers = process.env.BLOCKHUB_TEST_POSTGRES !== undefined && process.env.BLOCKHUB_TEST_REDIS !== undefined
if (!hasServers) console.warn("No Postgres and Redis are named: test/two-hubs.test.ts is left out.")

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: hasServers ? [] : ["test/two-hubs.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
})
