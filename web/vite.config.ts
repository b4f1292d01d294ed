// How the page is built: into `dist/`, which the hub carries in its binary and serves at `/`.
//
// Promises: the same sources give the same files; each asset carries a hash of itself in its name; nothing is inline.
// Must never: need the network, or leave source maps.

import { defineConfig } from "vite"

/** The hub that the development server stands in front of. */
const hub = process.env["BLOCKHUB_DEV"] ?? "http://127.0.0.1:8080"

/** The hub takes only pages of its own host: to it, these requests come from there. */
const toHub = { target: hub, changeOrigin: true, ws: true, headers: { Origin: hub } }
const proxy = { "/api": toHub, "/ws": toHub }

export default defineConfig({
  appType: "spa",
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    // What others wrote is in the page by their leave, which asks to be passed on.
    license: { fileName: "licences.md" },
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    sourcemap: false,
  },
  server: { host: "127.0.0.1", proxy },
  preview: { host: "127.0.0.1", proxy },
})
