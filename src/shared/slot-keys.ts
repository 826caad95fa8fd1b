/** Which counter slots an epoch plan needs; agents assign them, control exports them. */

import type { SlotKey } from './counters.ts'
import type { EpochPlan, PlannedEndpoint } from './epoch-plan.ts'

/** Slot keys of a plan: what the agent must assign before the threads prepare. */
export const slotKeysOf = (plan: EpochPlan): SlotKey[] => {
  const keys: SlotKey[] = [{ endpoint: '', model: '', version: '', variant: '', role: 'refused' }]
  for (const { name, model, variants } of plan.endpoints) {
    keys.push({ endpoint: name, model, version: '', variant: '', role: 'refused' })
    for (const { version } of plan.versions.filter((planned) => planned.model === model)) {
      const variant = variantName(variants, version)
      keys.push({ endpoint: name, model, version: String(version), variant, role: 'answer' })
    }
  }
  return keys
}

/** Name under which a version answers an endpoint: its variant's, else `v<version>`. */
export const variantName = (variants: PlannedEndpoint['variants'], version: number): string =>
  variants.find((variant) => variant.version === version)?.name ?? `v${version}`
