/** What control answers to what replicas ask on behalf of clients: one line a kind of call. */

import { type Clock, delay } from '../../shared/clock.ts'
import type { EpochPlan, PlannedVersion } from '../../shared/epoch-plan.ts'
import { type Refusal, refuse } from '../../shared/errors.ts'
import type { ForwardedAnswer } from '../../shared/forwarded-call.ts'
import { modelStatistics } from '../figures/model-statistics.ts'
import type { Snapshot } from '../figures/statistics.ts'
import type { Gateway } from '../gateway.ts'
import { sharedRuns } from '../shared-runs.ts'
import type { CallAnswers } from './forwarded-calls.ts'
import { type ModelFacts, modelFacts, modelsOf } from './gateway-status.ts'
import { repositoryIndex } from './repository-states.ts'
import { tritonModelConfig } from './triton-model-config.ts'

/** Between two times that replicas are asked for figures because clients want statistics. */
const PAUSE_MS = 20

/** By reference: a part is replaced when it changes; `served` is a list made anew each time. */
const isSame = (some: ModelFacts, others: ModelFacts): boolean =>
  (Object.keys(some) as (keyof ModelFacts)[]).every((part) => {
    if (part !== 'served') return some[part] === others[part]
    const isSamePlan = (plan: EpochPlan, i: number) => plan === others.served[i]
    return some.served.length === others.served.length && some.served.every(isSamePlan)
  })

/**
 * The index as text, made again only when what it says may have changed: clients that ask without
 * end must not take the time that control needs for its replicas.
 */
export const keepIndex = (): ((facts: ModelFacts, isReadyOnly: boolean) => string) => {
  let known: ModelFacts | null = null
  let texts = new Map<boolean, string>()
  return (facts, isReadyOnly) => {
    if (known === null || !isSame(facts, known)) {
      known = facts
      texts = new Map()
    }
    const text = texts.get(isReadyOnly)
    if (text !== undefined) return text
    const made = JSON.stringify(repositoryIndex(modelsOf(facts), isReadyOnly))
    texts.set(isReadyOnly, made)
    return made
  }
}

/**
 * Versions that serve, by name and number; the highest number last. Refused in the words of Triton
 * (core, tritonserver.cc): a route has found them, and they may have gone since.
 */
const servedVersions = (
  plan: EpochPlan | null,
  model: string | null,
  version: number | null,
): readonly PlannedVersion[] | Refusal => {
  const all = (plan?.versions ?? []).toSorted(
    (a, b) => Number(a.model > b.model) - Number(a.model < b.model) || a.version - b.version,
  )
  if (model === null) return all
  const ofModel = all.filter((planned) => planned.model === model)
  if (ofModel.length === 0) {
    return refuse('MODEL_NOT_FOUND', `requested model '${model}' is not available`)
  }
  const found = ofModel.filter((planned) => version === null || planned.version === version)
  if (found.length > 0) return found
  const detail = `requested model version is not available for model '${model}'`
  return refuse('VERSION_NOT_FOUND', detail)
}

const NO_SCAN = refuse('CONTROL_UNREACHABLE', 'Control has not read the model repository yet')
const NO_FIGURES = refuse('CONTROL_UNREACHABLE', 'Control has not heard of all replicas yet')

/** The text of statistics, made once for all who ask the same of one snapshot. */
export const keepStatistics = (): ((
  snapshot: Snapshot,
  versions: readonly PlannedVersion[],
  question: string,
) => string) => {
  let known: Snapshot | null = null
  let texts = new Map<string, string>()
  return (snapshot, versions, question) => {
    if (snapshot !== known) texts = new Map()
    known = snapshot
    const text = texts.get(question) ?? JSON.stringify(modelStatistics(snapshot, versions))
    texts.set(question, text)
    return text
  }
}

const statisticsAnswer = (gateway: Gateway, clock: Clock): CallAnswers['model_statistics'] => {
  // Each asks all replicas: clients that ask without end must leave control its time.
  const refresh = sharedRuns(
    () => gateway.figures.refresh(),
    () => delay(clock, PAUSE_MS),
  )
  const textOf = keepStatistics()
  return async ({ model, version }): Promise<ForwardedAnswer> => {
    const snapshot = await refresh()
    if (!snapshot?.isWhole) return NO_FIGURES
    const versions = servedVersions(gateway.publisher.plan, model, version)
    if ('code' in versions) return versions
    return textOf(snapshot, versions, JSON.stringify([model, version]))
  }
}

const configAnswer =
  (gateway: Gateway): CallAnswers['model_config'] =>
  ({ model, version }) => {
    const versions = servedVersions(gateway.publisher.plan, model, version)
    if ('code' in versions) return versions
    const settings = gateway.catalog.models.get(model)?.scanned.config
    if (settings === undefined) return NO_SCAN
    const [planned] = versions
    const { kind, instances } = planned!.placement
    const perReplica = kind === 'inline' ? gateway.host.dataThreads : instances
    const count = perReplica * gateway.host.replicas
    return JSON.stringify(tritonModelConfig(planned!, settings, count))
  }

export const callAnswers = (gateway: Gateway, clock: Clock): CallAnswers => {
  const index = keepIndex()
  return {
    model_statistics: statisticsAnswer(gateway, clock),
    model_config: configAnswer(gateway),
    repository_index: ({ ready }) =>
      gateway.catalog.hasScan ? index(modelFacts(gateway), ready) : NO_SCAN,
    model_load: ({ model }) => gateway.loads.load(model),
    model_unload: ({ model }) => gateway.loads.unload(model),
  }
}
