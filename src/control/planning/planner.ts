/**
 * From what is aspired and what serves to the next epoch. Pure: the same catalog and epoch give the
 * same plan.
 *
 * Keeps what is available, as TensorFlow Serving's policy of that name does (its
 * availability_preserving_policy.cc): what is not aspired any more goes in the epoch in which
 * something aspired is there to answer, not before. Both are loaded until its last request is
 * answered: an epoch is prepared beside the one before it.
 */

import { isDeepStrictEqual } from 'node:util'
import { layOut } from '../../routing/bucket-table.ts'
import { contractOf } from '../../shared/contract.ts'
import {
  type EpochPlan,
  loadKey,
  type PlannedEndpoint,
  type PlannedVersion,
  type PrepareFailure,
} from '../../shared/epoch-plan.ts'
import { NO_RECORDS, type RecordPolicies, UNRECORDED } from '../../shared/record-policy.ts'
import { aspiredOf, type CatalogModel, type CatalogVersion } from './catalog-version.ts'
import { type EndpointAway, endpointAway } from './endpoints-away.ts'
import { bindingFailure } from './planned-version.ts'
import { recordRules } from './record-rules.ts'
import type { RuleFault } from './ruled-endpoint.ts'

export type PlanBody = Omit<EpochPlan, 'epoch'>

export interface PlanResult {
  readonly body: PlanBody
  /** Versions that are sound but cannot keep their endpoint's contract, or not even their own. */
  readonly unbound: readonly PrepareFailure[]
  /** Rules for records that fit nothing. */
  readonly unfit: readonly RuleFault[]
}

/** `loading`: it may become sound soon, so nothing is decided against it yet. */
export type Candidate = 'sound' | 'loading' | 'failed'

/** No version has this number. */
const NONE = 0

/** The first of `versions` that has not failed. */
const firstHope = (
  versions: readonly number[],
  candidates: ReadonlyMap<number, Candidate>,
): number | null => versions.find((version) => candidates.get(version) !== 'failed') ?? null

/**
 * The version that answers an implicit endpoint: `champion`, or without that alias the highest one
 * aspired to that has not failed. While that is loading, or when the champion has failed or does
 * not exist, the version that answers now goes on, if any; as a last resort the highest sound one.
 *
 * @param isAspired of those that may be chosen in their own right; default all
 */
export const chooseVersion = (
  candidates: ReadonlyMap<number, Candidate>,
  champion: number | undefined,
  serving: number | undefined,
  isAspired: (version: number) => boolean = () => true,
): number | null => {
  type Named = number | null | undefined
  const isSound = (version: Named): version is number => candidates.get(version ?? NONE) === 'sound'
  const isLoading = (version: Named) => candidates.get(version ?? NONE) === 'loading'
  const descending = [...candidates.keys()].sort((a, b) => b - a)
  const preferred = champion ?? firstHope(descending.filter(isAspired), candidates)
  if (isSound(preferred)) return preferred
  if (isSound(serving)) return serving
  if (isLoading(preferred) || isLoading(serving)) return null
  const last = firstHope(descending, candidates)
  return isSound(last) ? last : null
}

interface Sorted {
  readonly candidates: ReadonlyMap<number, Candidate>
  readonly aspired: ReadonlySet<number>
  readonly able: readonly PlannedVersion[]
  readonly unbound: readonly PrepareFailure[]
}

/** What each version is good for, before the endpoint's contract is known. */
const sortOut = (
  { scanned, versions }: CatalogModel,
  inputs: PlanInputs,
  serving: number | undefined,
): Sorted => {
  const served = (inputs.served ?? []).filter(({ model }) => model === scanned.name)
  const candidates = new Map<number, Candidate>()
  const able: PlannedVersion[] = []
  const unbound: PrepareFailure[] = []
  const judge = (version: number): Candidate => {
    const { sound = null, isProving = false } = versions.get(version) ?? {}
    const present = served.find((each) => each.version === version)
    const known = [sound, present].filter((each) => each != null)
    const isHeld = (each: PlannedVersion) => inputs.isHeld?.(each) ?? false
    const planned = known.find(
      (each) =>
        !isHeld(each) && !inputs.barred?.has(loadKey(each)) && inputs.isPoison?.(each) !== true,
    )
    if (!planned) return isProving || known.some(isHeld) ? 'loading' : 'failed'
    const failure = bindingFailure(planned)
    if (failure === null) able.push(planned)
    else unbound.push(failure)
    return failure === null ? 'sound' : 'failed'
  }
  // Of a model that cannot be read it is not known what has gone: what serves stays.
  const unread = scanned.isBroken ? served.map(({ version }) => version) : []
  for (const version of new Set([...versions.keys(), ...unread])) {
    candidates.set(version, judge(version))
  }
  const isServed = (version: number) => served.some((each) => each.version === version)
  const hasFailed = (version: number) => candidates.get(version) === 'failed' && !isServed(version)
  const aspired = new Set([...aspiredOf(scanned, hasFailed), ...unread])
  // One whose files have gone serves on as long as one that is aspired to may still come.
  const mayCome = ([version, { attempt }]: [number, CatalogVersion]) =>
    aspired.has(version) && (candidates.get(version) === 'loading' || attempt.retryAtMs !== null)
  if (serving !== undefined && !candidates.has(serving) && [...versions].some(mayCome)) {
    candidates.set(serving, judge(serving))
  }
  return { candidates, aspired, able, unbound }
}

/** Endpoints by name and the version that has most of their traffic. */
export const servingVersions = (
  endpoints: readonly PlannedEndpoint[],
): ReadonlyMap<string, number> =>
  new Map(
    endpoints.flatMap(({ model, variants }) => {
      const first = [...variants].sort((a, b) => b.weightBp - a.weightBp)[0]
      return first === undefined ? [] : [[model, first.version] as const]
    }),
  )

const withRevision = (
  endpoint: PlannedEndpoint,
  previous: PlannedEndpoint | undefined,
): PlannedEndpoint => {
  if (previous === undefined) return { ...endpoint, revision: 1 }
  const unchanged = { ...endpoint, revision: previous.revision }
  const isSame = JSON.stringify(unchanged) === JSON.stringify(previous)
  return isSame ? unchanged : { ...endpoint, revision: previous.revision + 1 }
}

const endpointOf = (name: string, champion: PlannedVersion): PlannedEndpoint => ({
  name,
  model: name,
  revision: 0,
  contract: contractOf(champion.signature, champion.manifest),
  salt: name,
  variants: [{ name: `v${champion.version}`, version: champion.version, weightBp: 10_000 }],
  bucketRuns: layOut([10_000]),
  records: UNRECORDED,
})

export interface PlanInputs {
  readonly models: ReadonlyMap<string, CatalogModel>
  /** From sluice.yaml; null: the only endpoint, if there is just one. */
  readonly defaultEndpoint: string | null
  /** The endpoints of the present epoch, or of the last one before this start. */
  readonly previous: readonly PlannedEndpoint[]
  /** Versions of the present epoch, or held back from it: what cannot be renewed serves on. */
  readonly served?: readonly PlannedVersion[]
  /** Whether there is a present epoch: then a model of which nothing is whole yet is not in it. */
  readonly hasEpoch?: boolean
  /** What is written down of each endpoint; without it, nothing. */
  readonly records?: RecordPolicies
  /** `loadKey` of what replicas cannot prepare. */
  readonly barred?: { has(key: string): boolean }
  /** Whether a version has killed replicas, and may not be loaded. */
  isPoison?(version: PlannedVersion): boolean
  /** Whether a version is kept out of this plan, to see how replicas fare without it. */
  isHeld?(version: PlannedVersion): boolean
}

/** The name that `/predict` stands for, whether or not it is available now. */
const chooseDefault = (wanted: string | null, names: readonly string[]): string | null => {
  if (wanted !== null) return names.includes(wanted) ? wanted : null
  return names.length === 1 ? names[0]! : null
}

/** Whether nothing of a model is there whole: it is as good as not there yet. */
const isBeingCopied = ({ scanned, versions }: CatalogModel): boolean =>
  [...versions.values(), ...scanned.versions.map(({ fault }) => ({ failure: fault }))].every(
    ({ failure }) => failure?.code === 'FILES_CHANGING',
  ) &&
  (scanned.versions.length > 0 || scanned.faults[0]?.code === 'FILES_CHANGING')

/** Endpoints that there are beside those of a plan. `hopeless`: each version of theirs failed. */
const awayOf = (
  { models, previous, served = [] }: PlanInputs,
  endpoints: readonly PlannedEndpoint[],
  hopeless: ReadonlySet<string>,
): EndpointAway[] =>
  [...models]
    .filter(([name]) => !endpoints.some((each) => each.name === name))
    .map(([name, model]) => endpointAway(name, model, previous, served, hopeless.has(name)))

export const makePlan = (inputs: PlanInputs): PlanResult => {
  const { models, defaultEndpoint, previous } = inputs
  const serving = servingVersions(previous)
  const versions: PlannedVersion[] = []
  const endpoints: PlannedEndpoint[] = []
  const unavailable: string[] = []
  const unbound: PrepareFailure[] = []
  const hopeless = new Set<string>()
  const planned = [...models].filter(
    ([name, model]) =>
      model.isWanted && !(inputs.hasEpoch && !serving.has(name) && isBeingCopied(model)),
  )
  for (const [name, model] of planned) {
    const sorted = sortOut(model, inputs, serving.get(name))
    const { candidates, aspired } = sorted
    unbound.push(...sorted.unbound)
    const { aliases, isBroken } = model.scanned
    // Aliases that cannot be read are no reason to move traffic.
    const wanted = isBroken ? serving.get(name) : aliases['champion']
    const isAspired = (version: number) => aspired.has(version)
    const chosen = chooseVersion(candidates, wanted, serving.get(name), isAspired)
    const champion = sorted.able.find(({ version }) => version === chosen)
    if (champion === undefined) {
      unavailable.push(name)
      const hopes = [...candidates.values()].filter((candidate) => candidate !== 'failed')
      if (candidates.size > 0 && hopes.length === 0 && !isBeingCopied(model)) hopeless.add(name)
      continue
    }
    const endpoint = endpointOf(name, champion)
    endpoints.push(endpoint)
    const kept = sorted.able.filter(({ version }) => isAspired(version) || version === chosen)
    for (const version of kept) {
      const failure = bindingFailure(version, endpoint.contract)
      if (failure === null) versions.push(version)
      else unbound.push(failure)
    }
  }
  const names = planned.map(([name]) => name)
  const chosen = chooseDefault(defaultEndpoint, names)
  const { records = NO_RECORDS } = inputs
  const { policies, faults } = recordRules(records, {
    ...{ endpoints, versions, previous, served: inputs.served ?? [] },
    away: awayOf(inputs, endpoints, hopeless),
  })
  const revised = endpoints.map((endpoint, i) => {
    const before = previous.find(({ name }) => name === endpoint.name)
    return withRevision({ ...endpoint, records: policies[i]! }, before)
  })
  const body = {
    ...{ versions, endpoints: revised, unavailable, defaultEndpoint: chosen },
    records: records.base,
  }
  return { body, unbound, unfit: faults }
}

/** What was measured is never the same twice; alone it is no reason for an epoch. */
const withoutFigures = ({ versions, ...rest }: PlanBody) => ({
  ...rest,
  versions: versions.map(
    ({ runUsByRows: _, placement: { reason: __, ...placement }, ...each }) => ({
      ...each,
      placement,
    }),
  ),
})

/** Whether a plan says what the present epoch says. */
export const isSamePlan = ({ epoch: _, ...present }: EpochPlan, body: PlanBody): boolean =>
  isDeepStrictEqual(withoutFigures(present), withoutFigures(body))
