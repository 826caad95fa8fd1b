/** Which versions of a model should be loaded. Stateless: the same snapshot, the same answer. */

export interface VersionSnapshot {
  readonly aliases: Readonly<Record<string, number>>
  readonly versions: readonly { readonly version: number }[]
}

/** The latest version, and every version that an alias names and that exists; ascending. */
export const aspiredVersions = ({ aliases, versions }: VersionSnapshot): number[] => {
  const present = versions.map(({ version }) => version)
  const wanted = new Set(Object.values(aliases).filter((version) => present.includes(version)))
  if (present.length > 0) wanted.add(Math.max(...present))
  return [...wanted].sort((a, b) => a - b)
}
