// Where the unit tests run: in a DOM without a browser, on the client's and the hooks' sources, built or not.
import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"

const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig({
  resolve: { alias: { "@blockhub/client": source("../clients/typescript/src/index.ts"), "@blockhub/react": source("../clients/react/src/index.ts") } },
  test: { environment: "happy-dom", include: ["test/unit/**/*.test.ts"] },
})
