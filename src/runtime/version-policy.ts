/** Which versions of a model should be loaded. Stateless: the same snapshot, the same answer. */

export interface VersionSnapshot {
  readonly aliases: Readonly<Record<string, number>>
  /** `fault`: why the version cannot even be tried; null when it can. */
  readonly versions: readonly { readonly version: number; readonly fault: unknown }[]
}

/**
 * Ascending: every version that an alias names and that exists, the latest, and, where that has a
 * fault, the latest without one: a copy in progress must not take the model away.
 */
export const aspiredVersions = ({ aliases, versions }: VersionSnapshot): number[] => {
  const named = new Set(Object.values(aliases))
  const latest = Math.max(...versions.map(({ version }) => version))
  const latestSound = Math.max(
    ...versions.filter(({ fault }) => fault === null).map(({ version }) => version),
  )
  return versions
    .map(({ version }) => version)
    .filter((version) => named.has(version) || version === latest || version === latestSound)
    .sort((a, b) => a - b)
}
