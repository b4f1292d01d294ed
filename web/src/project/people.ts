// People, as they are shown: a name, initials, a colour.
//
// Promises: the same user has the same colour for everybody, in every project.
// Must never: show an empty name.

import type { Member, User } from "@blockhub/client"

const COLOURS = 8

/** One of the colours `--person-0` … `--person-7`, by number. */
export function colourOf(user: string): string {
  let sum = 0
  for (const letter of user) sum = (sum * 31 + letter.codePointAt(0)!) >>> 0
  return String(sum % COLOURS)
}

export function nameOf(user: User): string {
  return user.name?.trim() || user.id
}

/** The name in words of who did something: events made without one name only the user, whom a member may be. */
export function nameAmong(user: User, members: readonly Member[]): string {
  const member = members.find((each) => each.user.id === user.id)
  return user.name || !member ? nameOf(user) : nameOf(member.user)
}

/** At most two letters. */
export function initialsOf(user: User): string {
  const words = nameOf(user).split(/\s+/).filter(Boolean)
  return [words[0], words.length > 1 ? words.at(-1) : undefined].map((word) => [...(word ?? "")][0] ?? "").join("").toUpperCase()
}

export interface Person {
  readonly user: User
  readonly self: boolean
  /** A member for each page that this person has open. */
  readonly members: readonly Member[]
}

/** Each person once, oneself first. */
export function peopleOf(members: readonly Member[]): readonly Person[] {
  const people = new Map<string, Person>()
  for (const member of members) {
    const known = people.get(member.user.id)
    people.set(member.user.id, { user: member.user, self: member.self || (known?.self ?? false), members: [...(known?.members ?? []), member] })
  }
  return [...people.values()].sort((one, other) => Number(other.self) - Number(one.self))
}
