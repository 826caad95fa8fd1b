/** What is wrong with section `records`, once it is known what endpoints have. */

import { accessSync, constants, readdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { ConfigProblem, SluiceConfig } from '../config/config.ts'
import type { LoadResult } from '../config/load.ts'
import { didYouMean } from '../config/problems.ts'
import { makePlan, type PlanInputs } from '../control/planning/planner.ts'
import type { RuleFault } from '../control/planning/ruled-endpoint.ts'
import type { EpochPlan, PlannedEndpoint } from '../shared/epoch-plan.ts'
import { nearest } from '../shared/nearest.ts'
import type { RecordPolicies } from '../shared/record-policy.ts'

type Locate = (path: readonly string[]) => Pick<ConfigProblem, 'source' | 'line' | 'column'>

/** Where a rule stands. */
const pathOf = ({ endpoint, isOfAll, part, name }: RuleFault): string[] => {
  if (part === 'endpoints') return ['records', part, name]
  const rule = part === 'features' ? [part] : [...part.split('.'), name]
  return isOfAll || endpoint === null
    ? ['records', ...rule]
    : ['records', 'endpoints', endpoint, ...rule]
}

/** Rules that fit nothing. `names`: of all endpoints. */
export const ruleProblems = (
  locate: Locate,
  faults: readonly RuleFault[],
  names: readonly string[],
): ConfigProblem[] =>
  faults.map((fault) => {
    const path = pathOf(fault)
    const near = fault.part === 'endpoints' ? nearest(fault.name, names) : null
    const hint = near === null ? null : didYouMean(near)
    return { ...locate(path), path: path.join('.'), message: fault.detail, hint }
  })

/** The nearest of a folder and those above it that there is, and why nothing can be made in it. */
const whyUnwritable = (folder: string): { readonly why: string; readonly code: string } | null => {
  try {
    const isFolder = statSync(folder).isDirectory()
    if (!isFolder) return { why: `${folder} is not a folder`, code: 'ENOTDIR' }
    accessSync(folder, constants.W_OK | constants.X_OK)
    return null
  } catch (thrown) {
    const { code = 'unknown' } = thrown as NodeJS.ErrnoException
    const above = dirname(folder)
    if ((code === 'ENOENT' || code === 'ENOTDIR') && above !== folder) return whyUnwritable(above)
    return { why: `${folder} cannot be written by this user (${code})`, code }
  }
}

/** What keeps files of records from being written; a warning where another user may have rights. */
export const pathProblems = (
  locate: Locate,
  { enabled, path: folder }: SluiceConfig['records'],
): { readonly problems: ConfigProblem[]; readonly warnings: ConfigProblem[] } => {
  const found = enabled ? whyUnwritable(folder) : null
  if (found === null) return { problems: [], warnings: [] }
  const path = ['records', 'path']
  const message = `no file can be made there: ${found.why}`
  const hint = 'name a folder that the user of the gateway can write, or make it one'
  const problem = { ...locate(path), path: path.join('.'), message, hint }
  return found.code === 'EACCES'
    ? { problems: [], warnings: [problem] }
    : { problems: [problem], warnings: [] }
}

/** What is served, and what is known of all there is. */
export interface Served {
  readonly catalog: { readonly models: PlanInputs['models'] }
  readonly publisher: {
    readonly plan: EpochPlan | null
    readonly endpoints: readonly PlannedEndpoint[]
  }
}

/** Faults that policies have with what is there now. */
const faultsOf = (records: RecordPolicies, { catalog, publisher }: Served) => {
  const { plan, endpoints: previous } = publisher
  const inputs = { models: catalog.models, previous, served: plan?.versions ?? [], records }
  return makePlan({ ...inputs, defaultEndpoint: null, hasEpoch: plan !== null }).unfit
}

/** Folders that may be models which nobody has looked at yet. */
const freshFolders = (repository: string, { catalog }: Served): string[] => {
  try {
    return readdirSync(repository).filter((name) => !catalog.models.has(name))
  } catch {
    return []
  }
}

/**
 * Why a config that was read again is not taken over: a rule for records that fits nothing of what
 * is there. What fitted nothing before, by what is in force now, does not count again, nor what may
 * be about a model that came together with the config.
 */
export const reloadProblems = (
  { config, locate }: Extract<LoadResult, { config: SluiceConfig }>,
  inForce: RecordPolicies,
  served: Served,
): readonly ConfigProblem[] => {
  if (served.publisher.plan === null) return []
  const before = new Set(faultsOf(inForce, served).map(({ detail }) => detail))
  const faults = faultsOf(config.records.policies, served)
  const folders = freshFolders(config.modelRepository, served)
  const mayFit = ({ endpoint, part, name }: RuleFault): boolean =>
    part === 'endpoints' ? folders.includes(name) : endpoint === null && folders.length > 0
  const found = faults.filter((fault) => !before.has(fault.detail) && !mayFit(fault))
  return ruleProblems(locate, found, [...served.catalog.models.keys()])
}
