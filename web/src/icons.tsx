// The page's few drawn signs: no font needs to have them.
//
// Promises: as large and of the colour of the text around; unseen by those who listen.
// Must never: be the only name of a button.

const PATHS = {
  plus: "M12 5v14M5 12h14",
  outdent: "M20 6H10M20 12H12M20 18H10M7 8l-4 4 4 4",
  indent: "M20 6H10M20 12H12M20 18H10M3 8l4 4-4 4",
  up: "M12 19V5M6 11l6-6 6 6",
  down: "M12 5v14M6 13l6 6 6-6",
  undo: "M8 5L4 9l4 4M4 9h10a5.5 5.5 0 0 1 0 11h-4",
  redo: "M16 5l4 4-4 4M20 9H10a5.5 5.5 0 0 0 0 11h4",
  cross: "M6 6l12 12M18 6L6 18",
  system: "M12 3a9 9 0 1 0 0 18zM12 3a9 9 0 0 1 0 18",
  light: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v2.5M12 19.5V22M2 12h2.5M19.5 12H22M5 5l1.7 1.7M17.3 17.3L19 19M5 19l1.7-1.7M17.3 6.7L19 5",
  dark: "M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5z",
} as const

export type IconName = keyof typeof PATHS

export function Icon({ name }: { name: IconName }) {
  return <svg className={`drawn drawn-${name}`} viewBox="0 0 24 24" aria-hidden="true"><path d={PATHS[name]} /></svg>
}
