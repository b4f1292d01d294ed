// What of a theme reaches the page, and whether the page's own looks can be read.

import { expect, test } from "vitest"
import { LOOKS, lookOf } from "../../src/project/looks"
import { tokensOf } from "../../src/project/theme"

test("only the page's own tokens are set, with spacing in pixels", () => {
  const theme = { colors: { accent: "#123456", shadow: "red", "person-0": "red" }, fonts: { font: "serif" }, spacing: { round: 4, quick: 9 } }
  expect(tokensOf(theme)).toEqual([["--accent", "#123456"], ["--font", "serif"], ["--round", "4px"]])
  expect(tokensOf({})).toEqual([])
  expect(tokensOf(JSON.parse('{"colors": {"__proto__": "red"}}'))).toEqual([])
})

test("a theme of the page's own is known by its id, and another one is not", () => {
  expect([lookOf(null), lookOf("sea-1"), lookOf("night"), lookOf("constructor-1")]).toEqual(["", "sea", null, null])
})

for (const [id, { theme }] of Object.entries(LOOKS))
  test(`${id} has a contrast of 4.5 or more where text stands on its colours, light and dark`, () => {
    const color = (name: string, look: number): string => /\((.*), (.*)\)/.exec(theme.colors?.[name] ?? "")?.[look + 1] ?? ""
    for (const look of [0, 1])
      for (const [ink, ground] of [["on-accent", "accent"], ["on-accent", "accent-strong"], ["accent", "accent-soft"], ["accent", "ground"]] as const)
        expect(contrast(color(ink, look), color(ground, look)), `${ink} on ${ground}`).toBeGreaterThanOrEqual(4.5)
  })

/** WCAG 2.2, "contrast ratio". */
function contrast(one: string, other: string): number {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a) as [number, number]
  return (light + 0.05) / (dark + 0.05)
}

function luminance(color: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16) / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)) as [number, number, number]
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}
