/** Why a gateway that does not drain is not ready. */

import type { EpochPlan } from '../../shared/epoch-plan.ts'
import type { CatalogModel } from '../planning/catalog-version.ts'

/** Sentences; none: it is. `isServing`: some replica serves. */
export const unreadyReasons = (
  plan: Pick<EpochPlan, 'unavailable'> | null,
  models: ReadonlyMap<string, Pick<CatalogModel, 'versions'>>,
  isServing: boolean,
): string[] => {
  if (plan === null) return ['no epoch yet']
  const reasons = plan.unavailable.map((name) => {
    const versions = [...(models.get(name)?.versions.values() ?? [])]
    const isProving = versions.some((version) => version.isProving)
    return `${name} ${isProving ? 'is still being proved' : 'has no available version'}`
  })
  return isServing ? reasons : [...reasons, 'no replica serves']
}
