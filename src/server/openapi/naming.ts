/** Names of endpoints as parts of identifiers, and within sentences. */

/** What generators of clients make of a name, at the least: letters and digits, of one case. */
const normal = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '')

/**
 * By name, what stands for it in the ids of operations and schemas: itself, with a number behind
 * it where it differs from another by case or punctuation only.
 */
export const labelsOf = (names: readonly string[]): ReadonlyMap<string, string> => {
  const taken = new Set<string>()
  const labels = new Map<string, string>()
  for (const name of names) {
    let label = name
    for (let number = 2; taken.has(normal(label)); number++) label = `${name}_${number}`
    taken.add(normal(label))
    labels.set(name, label)
  }
  return labels
}

/** A name as code of Markdown, which shows it as it is. */
export const code = (name: string): string => {
  const runs = name.match(/`+/g) ?? []
  const fence = '`'.repeat(Math.max(0, ...runs.map(({ length }) => length)) + 1)
  return fence.length === 1 ? `\`${name}\`` : `${fence} ${name} ${fence}`
}
