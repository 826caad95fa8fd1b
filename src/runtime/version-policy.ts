/** Which versions of a model should be loaded. Stateless: the same snapshot, the same answer. */

import type { VersionPolicy } from '../config/config.ts'

export interface VersionSnapshot {
  readonly aliases: Readonly<Record<string, number>>
  readonly policy: VersionPolicy
  readonly versions: readonly {
    readonly version: number
    /** Why the version cannot even be tried; null when it can. */
    readonly fault: unknown
    /** It was tried, and cannot serve. */
    readonly hasFailed?: boolean
  }[]
}

/** The highest `count` of some versions. */
const latestOf = (some: VersionSnapshot['versions'], count: number): number[] =>
  some
    .map(({ version }) => version)
    .sort((a, b) => b - a)
    .slice(0, count)

const byPolicy = ({ aliases, policy, versions }: VersionSnapshot): readonly number[] => {
  if (policy.kind === 'specific') return policy.versions
  if (policy.kind === 'all') return versions.map(({ version }) => version)
  const hasChampion = versions.some(({ version }) => version === aliases['champion'])
  const hopeful = versions.filter(
    ({ fault, hasFailed }) => fault === null && (hasChampion || !hasFailed),
  )
  return [...latestOf(versions, policy.count), ...latestOf(hopeful, policy.count)]
}

/**
 * Ascending: every version that an alias or the policy names and that exists. By the policy
 * `latest` also as many without a fault: a copy in progress must not take the model away. Without a
 * champion, versions that have failed count as faulty there, so that the next lower one is tried.
 */
export const aspiredVersions = (snapshot: VersionSnapshot): number[] => {
  const named = new Set([...Object.values(snapshot.aliases), ...byPolicy(snapshot)])
  return snapshot.versions
    .map(({ version }) => version)
    .filter((version) => named.has(version))
    .sort((a, b) => a - b)
}
