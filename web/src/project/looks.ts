// The looks that the page offers for a project.
//
// Promises: text has a contrast of 4.5 or more on every surface, light and dark, as in tokens.css.
// Must never: be needed: a project may have a theme of its own.

import type { Client, Project, Theme } from "@blockhub/client"

export const LOOKS: Readonly<Record<string, { name: string; theme: Theme }>> = {
  sea: {
    name: "Sea",
    theme: {
      colors: {
        accent: "light-dark(#1d5fa8, #8ec2ff)", "accent-strong": "light-dark(#164a85, #b0d5ff)",
        "on-accent": "light-dark(#ffffff, #0d1f33)", "accent-soft": "light-dark(#dde9f7, #1b2f47)",
        ground: "light-dark(#f6f9fc, #14181d)",
      },
    },
  },
  plum: {
    name: "Plum",
    theme: {
      colors: {
        accent: "light-dark(#7a3fc0, #ccaaff)", "accent-strong": "light-dark(#5f2f99, #dcc4ff)",
        "on-accent": "light-dark(#ffffff, #22103a)", "accent-soft": "light-dark(#eee5f9, #33244a)",
        ground: "light-dark(#faf8fc, #18151c)",
      },
    },
  },
  book: {
    name: "Book",
    theme: {
      colors: {
        accent: "light-dark(#7a4a12, #e2b77a)", "accent-strong": "light-dark(#5f390c, #f0cd9a)",
        "on-accent": "light-dark(#ffffff, #2a1b08)", "accent-soft": "light-dark(#f3e6d3, #3a2b17)",
        ground: "light-dark(#fbf6ea, #1a1712)",
      },
      fonts: { font: "Charter, Georgia, Cambria, \"Times New Roman\", serif" },
    },
  },
}

/** Which of these a theme's id names; "" for none, null for a theme of another kind. */
export function lookOf(theme: string | null): string | null {
  if (theme === null) return ""
  const name = theme.split("-", 1)[0] ?? ""
  return Object.hasOwn(LOOKS, name) ? name : null
}

/** Gives the project one of them, or none. */
export async function give(client: Client, project: Project, look: string): Promise<void> {
  const chosen = LOOKS[look]
  if (chosen === undefined) return project.setTheme(null)
  const id = `${look}-${project.id}`
  // Another owner may have written it before: it is the same.
  await client.writeTheme(id, chosen.theme).catch((error: Error & { code?: string }) => {
    if (error.code !== "forbidden") throw error
  })
  await project.setTheme(id)
}
