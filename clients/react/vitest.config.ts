// Where the hooks' tests run: in a DOM without a browser, on the client's sources, built or not.
import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"

const client = fileURLToPath(new URL("../typescript/src/index.ts", import.meta.url))

export default defineConfig({
  resolve: { alias: { "@blockhub/client": client } },
  test: { environment: "happy-dom", include: ["test/**/*.test.tsx"] },
})
