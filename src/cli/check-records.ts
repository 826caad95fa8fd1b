/** What is wrong with section `records`, once it is known what endpoints have. */

import type { ConfigProblem, SluiceConfig } from '../config/config.ts'
import type { LoadResult } from '../config/load.ts'
import { didYouMean } from '../config/problems.ts'
import { type RuleFault, recordRules } from '../control/planning/record-rules.ts'
import type { EpochPlan } from '../shared/epoch-plan.ts'
import { nearest } from '../shared/nearest.ts'

type Locate = (path: readonly string[]) => Pick<ConfigProblem, 'source' | 'line' | 'column'>

/** Where a rule stands. */
const pathOf = ({ endpoint, isOfAll, part, name }: RuleFault): string[] => {
  const rule = part === 'features' ? [part] : [...part.split('.'), name]
  return isOfAll || endpoint === null
    ? ['records', ...rule]
    : ['records', 'endpoints', endpoint, ...rule]
}

/** Rules that fit nothing. */
export const ruleProblems = (locate: Locate, faults: readonly RuleFault[]): ConfigProblem[] =>
  faults.map((fault) => {
    const path = pathOf(fault)
    return { ...locate(path), path: path.join('.'), message: fault.detail, hint: null }
  })

/** Endpoints that the section names and that are not there. */
export const unknownEndpoints = (
  { records }: SluiceConfig,
  locate: Locate,
  names: readonly string[],
): ConfigProblem[] =>
  Object.keys(records.policies.byEndpoint)
    .filter((name) => !names.includes(name))
    .map((name) => {
      const path = ['records', 'endpoints', name]
      const near = nearest(name, names)
      return {
        ...locate(path),
        path: path.join('.'),
        message: `'${name}' is no endpoint`,
        hint: near === null ? null : didYouMean(near),
      }
    })

/** Why a config that was read again is not taken over: what serves now must not fall out of it. */
export const reloadProblems = (
  loaded: LoadResult,
  plan: Pick<EpochPlan, 'endpoints' | 'versions'> | null,
): readonly ConfigProblem[] => {
  if ('problems' in loaded) return loaded.problems
  if (plan === null) return []
  const { config, locate } = loaded
  const { faults } = recordRules(config.records.policies, plan.endpoints, plan.versions)
  return ruleProblems(locate, faults)
}
