/** The status document of a running gateway. Put together from what is known now; asks nobody. */

import type { Clock } from '../../shared/clock.ts'
import { type EpochPlan, sessionKey } from '../../shared/epoch-plan.ts'
import { VERSION } from '../../shared/version.ts'
import type { ReplicaSnapshot } from '../figures/statistics.ts'
import type { Gateway } from '../gateway.ts'
import type { Catalog } from '../planning/catalog.ts'
import { versionName } from '../planning/planned-version.ts'
import type { ReplicaState } from '../replicas/replica-state.ts'
import { endpointStatuses } from './endpoint-status.ts'
import { modelsDocument, modelWarnings } from './model-status.ts'
import type { ModelsDocument, ReplicaStatus, StatusDocument } from './status-document.ts'

export interface GatewayFacts {
  readonly gateway: string
  readonly clock: Clock
  /** When this control started: wall clock and monotonic. */
  readonly startedAtMs: number
  readonly startedMonotonicMs: number
  readonly httpHost: string
  readonly httpScheme: StatusDocument['httpScheme']
  /** Of the data plane, milliseconds since 1970; null where it takes plain HTTP. */
  readonly certificateExpiresMs: number | null
  readonly httpPort: number
  readonly grpcPort: number | null
  readonly controlPort: number
  readonly metricsListen: StatusDocument['metricsListen']
  /** Beside those of the gateway. */
  readonly warnings: readonly string[]
}

const replicaState = ({ state }: ReplicaState, isServing: boolean): ReplicaStatus['state'] => {
  if (state === 'dead' || state === 'draining') return state
  return isServing ? 'serving' : 'starting'
}

const deathWarning = ({ index, lastDeath }: ReplicaState): string =>
  `replica ${index} is not running${lastDeath === null ? '' : `: ${lastDeath.detail}`}`

const threadStatuses = (figures: ReplicaSnapshot | undefined): ReplicaStatus['threads'] =>
  (figures?.threads ?? []).map((each) => ({
    thread: each.thread,
    state: each.state,
    connections: each.connections,
    inFlight: each.inFlight,
    loopLagMs: each.loopLagSeconds * 1000,
    accepting: each.accepting as ReplicaStatus['threads'][number]['accepting'],
  }))

const replicaStatus = (
  { supervisor, publisher, figures }: Gateway,
  replica: ReplicaState,
  monotonicMs: number,
): ReplicaStatus => {
  const { index, incarnation, pid, restarts, startedAtMs } = replica
  const isThis = (each: { incarnation: number }) => each.incarnation === incarnation
  const connected = supervisor.connected().find(isThis)
  const isServing = connected !== undefined && publisher.servedBy(connected) !== null
  const own = figures.snapshot?.replicas.find(isThis)
  return {
    index,
    pid,
    restarts,
    uptimeMs: startedAtMs === null ? 0 : monotonicMs - startedAtMs,
    state: replicaState(replica, isServing),
    epoch: own?.epoch ?? 0,
    httpEngine: connected === undefined ? '' : publisher.engineOf(connected),
    rssBytes: own?.rssBytes ?? 0,
    threads: threadStatuses(own),
  }
}

/** What the states of models follow from. Each part is replaced when it changes, never altered. */
export interface ModelFacts {
  readonly models: Catalog['models']
  readonly unbound: Gateway['unbound']
  /** The present epoch. */
  readonly plan: EpochPlan | null
  /** What each replica that answers serves; one that is starting has no say yet. */
  readonly served: readonly EpochPlan[]
  readonly held: Gateway['versions']['held']
  readonly unloads: Gateway['versions']['unloads']
}

export const modelFacts = (gateway: Gateway): ModelFacts => {
  const { catalog, publisher, supervisor, unbound, versions } = gateway
  return {
    held: versions.held,
    unloads: versions.unloads,
    models: catalog.models,
    unbound,
    plan: publisher.plan,
    served: supervisor.connected().flatMap((replica) => publisher.servedBy(replica) ?? []),
  }
}

export const modelsOf = ({
  models,
  unbound,
  plan,
  served,
  held,
  unloads,
}: ModelFacts): ModelsDocument => {
  const keysOf = ({ versions }: EpochPlan) => new Set(versions.map(sessionKey))
  const loaded = [...new Set(served)].map(keysOf)
  const planned = new Map(plan?.versions.map((each) => [versionName(each), each]))
  return modelsDocument(models, {
    ...{ unbound, held, unloads },
    find: (model, version) => planned.get(versionName({ model, version })),
    isAvailable: (version) =>
      loaded.length > 0 && loaded.every((keys) => keys.has(sessionKey(version))),
  })
}

/** Every model and version of a running gateway. */
export const gatewayModels = (gateway: Gateway): ModelsDocument => modelsOf(modelFacts(gateway))

export const gatewayStatus = (gateway: Gateway, facts: GatewayFacts): StatusDocument => {
  const { plan } = gateway.publisher
  const monotonicMs = facts.clock.monotonic()
  const reasons = gateway.unreadyReasons()
  const states = gateway.supervisor.states()
  const replicas = states.map((replica) => replicaStatus(gateway, replica, monotonicMs))
  return {
    version: VERSION,
    gateway: facts.gateway,
    ready: reasons.length === 0,
    reasons,
    epoch: plan?.epoch ?? 0,
    startedAt: new Date(facts.startedAtMs).toISOString(),
    uptimeMs: monotonicMs - facts.startedMonotonicMs,
    httpHost: facts.httpHost,
    httpScheme: facts.httpScheme,
    httpPort: facts.httpPort,
    grpcPort: facts.grpcPort,
    controlPort: facts.controlPort,
    metricsListen: facts.metricsListen,
    defaultEndpoint: plan?.defaultEndpoint ?? null,
    endpoints: endpointStatuses(plan, gateway.figures.snapshot),
    replicas,
    restart: gateway.supervisor.lastRestart,
    recycled: gateway.recycler.status,
    warnings: [
      ...facts.warnings,
      ...gateway.warnings(),
      ...modelWarnings(gatewayModels(gateway)),
      ...states.filter(({ state }) => state === 'dead').map(deathWarning),
    ],
  }
}
