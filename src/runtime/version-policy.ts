/** Which versions of a model should be loaded. Stateless: the same snapshot, the same answer. */

export interface VersionSnapshot {
  readonly aliases: Readonly<Record<string, number>>
  readonly versions: readonly {
    readonly version: number
    /** Why the version cannot even be tried; null when it can. */
    readonly fault: unknown
    /** It was tried, and cannot serve. */
    readonly hasFailed?: boolean
  }[]
}

/**
 * Ascending: every version that an alias names and that exists, the latest, and, where that has a
 * fault, the latest without one: a copy in progress must not take the model away. Without a
 * champion, versions that have failed count as faulty too, so that the next lower one is tried.
 */
export const aspiredVersions = ({ aliases, versions }: VersionSnapshot): number[] => {
  const named = new Set(Object.values(aliases))
  const latestOf = (some: VersionSnapshot['versions']) =>
    Math.max(...some.map(({ version }) => version))
  const hasChampion = versions.some(({ version }) => version === aliases['champion'])
  const latest = latestOf(versions)
  const latestSound = latestOf(
    versions.filter(({ fault, hasFailed }) => fault === null && (hasChampion || !hasFailed)),
  )
  return versions
    .map(({ version }) => version)
    .filter((version) => named.has(version) || version === latest || version === latestSound)
    .sort((a, b) => a - b)
}
