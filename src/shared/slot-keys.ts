/** Which counter slots an epoch plan needs; agents assign them, control exports them. */

import type { SlotKey } from './counters.ts'
import type { EpochPlan, PlannedEndpoint } from './epoch-plan.ts'

/** Requests that reached no endpoint. */
export const NO_ENDPOINT_KEY: SlotKey = {
  endpoint: '',
  model: '',
  version: '',
  variant: '',
  role: 'refused',
}

/** Requests whose own slot was not to be had. No endpoint can bear this name (ids.ts). */
export const OVERFLOW_KEY: SlotKey = { ...NO_ENDPOINT_KEY, endpoint: '_overflow' }

/** The slots that every replica has, whatever it serves, at the indices 0 and 1. */
export const FIXED_KEYS: readonly SlotKey[] = [NO_ENDPOINT_KEY, OVERFLOW_KEY]
export const OVERFLOW_SLOT = 1

/** Slot keys of a plan: what the agent must assign before the threads prepare. */
export const slotKeysOf = ({ versions, endpoints }: EpochPlan): SlotKey[] => {
  const byModel = Map.groupBy(versions, ({ model }) => model)
  const keys = [...FIXED_KEYS]
  for (const { name, model, variants } of endpoints) {
    keys.push({ endpoint: name, model, version: '', variant: '', role: 'refused' })
    for (const { version } of byModel.get(model) ?? []) {
      const variant = variantName(variants, version)
      keys.push({ endpoint: name, model, version: String(version), variant, role: 'answer' })
    }
  }
  return keys
}

/** Name under which a version answers an endpoint: its variant's, else `v<version>`. */
export const variantName = (variants: PlannedEndpoint['variants'], version: number): string =>
  variants.find((variant) => variant.version === version)?.name ?? `v${version}`
