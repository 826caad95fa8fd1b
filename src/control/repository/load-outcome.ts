/** What has become of a load that a client asked for, or that a file changed for. Pure. */

import type { PlannedVersion, PrepareFailure } from '../../shared/epoch-plan.ts'
import { loadKey } from '../../shared/epoch-plan.ts'
import { aspiredOf, type CatalogModel, type CatalogVersion } from '../planning/catalog-version.ts'

export interface LoadFacts {
  /** Versions of the present epoch. */
  readonly planned: readonly PlannedVersion[]
  /** Whether every replica has a version loaded. */
  isEverywhere(planned: PlannedVersion): boolean
  /** Sound versions that cannot keep the contract of their endpoint, by the last plan. */
  readonly unbound: readonly PrepareFailure[]
  /** What is known of the model may still not be in a plan. */
  readonly isPlanDue: boolean
}

/** `settling`: its files are still being written. A list: what is wrong, one sentence a version. */
export type LoadOutcome = 'loading' | 'settling' | 'loaded' | readonly string[]

type VersionOutcome = 'loading' | 'settling' | 'loaded' | string[]

const saying = (version: number, { code, detail }: { code: string; detail: string }): string[] => [
  `version ${version} is at UNAVAILABLE state: ${code}: ${detail}`,
]

const outcomeOf = (
  name: string,
  version: number,
  entry: CatalogVersion | undefined,
  facts: LoadFacts,
): VersionOutcome => {
  if (entry === undefined || entry.isProving) return 'loading'
  const { failure, sound } = entry
  if (failure?.code === 'FILES_CHANGING') return 'settling'
  if (failure !== null) return saying(version, failure)
  const isThis = (each: { model: string; version: number }) =>
    each.model === name && each.version === version
  const planned = facts.planned.find(isThis)
  if (planned !== undefined && sound !== null && loadKey(planned) === loadKey(sound)) {
    return facts.isEverywhere(planned) ? 'loaded' : 'loading'
  }
  const unbound = facts.isPlanDue ? undefined : facts.unbound.find(isThis)
  return unbound === undefined ? 'loading' : saying(version, unbound)
}

/** Of a wanted model: whether all that it should have loaded is, or why not. */
export const loadOutcome = (model: CatalogModel, facts: LoadFacts): LoadOutcome => {
  const { scanned, versions } = model
  const { name, faults, isBroken } = scanned
  const hasFailed = (version: number) => {
    const { isProving = false, sound = null } = versions.get(version) ?? {}
    return versions.has(version) && !isProving && sound === null
  }
  const aspired = aspiredOf(scanned, hasFailed)
  const [fault] = faults
  if (aspired.length === 0 && fault !== undefined && isBroken) {
    return fault.code === 'FILES_CHANGING' ? 'settling' : [`${fault.code}: ${fault.detail}`]
  }
  const found = aspired.map((version) => outcomeOf(name, version, versions.get(version), facts))
  if (found.length === 0) return ['no version is available']
  for (const state of ['loading', 'settling'] as const) if (found.includes(state)) return state
  const wrong = found.filter((each) => typeof each !== 'string').flat()
  return wrong.length === 0 ? 'loaded' : wrong
}
