/**
 * What control tells a replica to serve: one traffic configuration, complete and immutable.
 * Travels as JSON inside `Prepare` (proto/control.proto).
 */

import type { Contract } from './contract.ts'
import { type ExampleRow, type Manifest, reviveManifest } from './manifest.ts'
import { INLINE, type Placement } from './placement.ts'
import type { FeatureBounds } from './profile.ts'
import { DEFAULT_QUEUE, type QueuePolicies } from './queue-policy.ts'
import { type EndpointRecordPolicy, UNRECORDED } from './record-policy.ts'
import type { RecordSettings } from './record-settings.ts'
import { completeSession, type SessionSettings } from './session-settings.ts'
import type { Signature } from './tensor.ts'
import type { TraceSampling } from './trace-context.ts'
import type { WarmupFile, WarmupSample } from './warmup-sample.ts'

/** How requests of one version are put together. Rows, not requests, are counted. */
export interface BatchPolicy {
  /**
   * Most rows in one run; 0: the model has no row dimension and every request runs alone. A request
   * that may share no run is run whole, however many rows it has.
   */
  readonly rowsMax: number
  /** Whether rows of different requests may share a run (the self-test agreed). */
  readonly mixesRequests: boolean
  readonly preferredRows: readonly number[]
  readonly queueDelayUsMax: number
}

export interface PlannedVersion {
  readonly model: string
  readonly version: number
  /** SHA-256 of what was published (`ProvingReport.digest`). */
  readonly digest: string
  /** The optimised copy that the proving run wrote, and its own SHA-256. */
  readonly provenFile: string
  readonly provenSha256: string
  readonly signature: Signature
  readonly manifest: Manifest | null
  readonly batching: BatchPolicy
  readonly queue: QueuePolicies
  readonly placement: Placement
  /** Row of the profile, for warm-up; null when the version has no profile. */
  readonly exampleRow: ExampleRow | null
  /** Of the profile, for the description of the API; absent in plans of an earlier release. */
  readonly bounds?: readonly FeatureBounds[]
  readonly session: SessionSettings
  /** Samples that every new session is run with. */
  readonly warmups: readonly WarmupSample[]
  /** Copies of the files that they name. */
  readonly warmupFiles: Readonly<Record<string, WarmupFile>>
  /** Microseconds of a run by its rows, as the proving run measured them; none: it could not. */
  readonly runUsByRows: readonly (readonly [rows: number, us: number])[]
}

/**
 * What a session is: the same for the same bytes with the same settings in the same place. What
 * differs in nothing else is not loaded anew.
 */
export const sessionKey = ({
  model,
  version,
  provenSha256,
  session,
  placement,
}: PlannedVersion): string =>
  JSON.stringify([model, version, provenSha256, session, placement.kind])

/**
 * What a session is and how it is used (its queue, how many there are): a thread that holds a
 * version of this key has nothing to do for another plan of it.
 */
export const loadKey = (planned: PlannedVersion): string => {
  const { batching, queue, placement } = planned
  return JSON.stringify([sessionKey(planned), batching, queue, placement.instances])
}

export interface PlannedVariant {
  readonly name: string
  readonly version: number
  readonly weightBp: number
}

export interface PlannedEndpoint {
  readonly name: string
  readonly model: string
  readonly revision: number
  readonly contract: Contract
  readonly salt: string
  readonly variants: readonly PlannedVariant[]
  /** The 10,000 buckets as runs: [buckets, index into variants], in bucket order. */
  readonly bucketRuns: readonly (readonly [number, number])[]
  readonly records: EndpointRecordPolicy
}

export interface EpochPlan {
  readonly epoch: number
  readonly versions: readonly PlannedVersion[]
  readonly endpoints: readonly PlannedEndpoint[]
  /** Endpoints that have no available version: their requests get VERSION_NOT_READY. */
  readonly unavailable: readonly string[]
  /** Serves `/predict`; null when there are several endpoints and none was chosen. */
  readonly defaultEndpoint: string | null
  /** What is written down of what belongs to no endpoint; absent: nothing. */
  readonly records?: EndpointRecordPolicy
}

/** A version that a replica could not prepare. */
export interface PrepareFailure {
  readonly model: string
  readonly version: number
  readonly code: 'PREPARE_FAILED' | 'BINDING_FAILED' | 'DIGEST_MISMATCH' | 'WARMUP_FAILED'
  readonly detail: string
}

/** Plans and failures as they travel inside the messages of the socket protocol. */
export const encodeJson = (value: EpochPlan | readonly PrepareFailure[]): Uint8Array =>
  new TextEncoder().encode(JSON.stringify(value))

/** Of any release, likewise. */
export const completeEndpoint = (
  endpoint: Omit<PlannedEndpoint, 'records'> & Partial<PlannedEndpoint>,
): PlannedEndpoint => ({ ...endpoint, records: endpoint.records ?? UNRECORDED })

/** Of any release: what an earlier one did not know has its default. */
export const decodePlan = (bytes: Uint8Array): EpochPlan => {
  const plan = JSON.parse(new TextDecoder().decode(bytes), reviveManifest) as EpochPlan
  const versions = plan.versions.map((planned) => ({
    ...{ queue: DEFAULT_QUEUE, placement: INLINE, runUsByRows: [], warmups: [], warmupFiles: {} },
    ...planned,
    session: completeSession(planned.session),
  }))
  const endpoints = plan.endpoints.map(completeEndpoint)
  return { ...plan, versions, endpoints }
}

export const decodeFailures = (bytes: Uint8Array): PrepareFailure[] =>
  JSON.parse(new TextDecoder().decode(bytes)) as PrepareFailure[]

/** Fixed for the life of a replica process; a change restarts it. Passed as JSON in argv. */
export interface ReplicaSettings {
  readonly socketPath: string
  readonly gateway: string
  readonly replica: number
  readonly incarnation: number
  readonly threads: number
  readonly computeThreads: number
  readonly host: string
  readonly httpPort: number
  /** null: no gRPC is served. */
  readonly grpcPort: number | null
  readonly httpEngine: 'uws' | 'node'
  /** Takes HTTPS, with what `Access` brings, and nothing else. */
  readonly isTls: boolean
  /** Whether `/docs` is served. */
  readonly hasDocsPage: boolean
  readonly limits: ServerLimits
  readonly grpc: GrpcLimits & {
    /** Clients must show a certificate; what it must lead to comes with `Access`. */
    readonly isMutualTls: boolean
  }
  /** Origins whose pages may read answers, or `*`; none: CORS is off. */
  readonly corsOrigins: readonly string[]
  /** Which requests are traced; null: none. */
  readonly tracing: TraceSampling | null
  /** null: nothing is written down. */
  readonly records: RecordSettings | null
  readonly controlAbsenceMsMax: number
  readonly drainMsMax: number
  /** Lowest level that is logged, as in `createLogger`. */
  readonly logLevel: string
  readonly watchdog: WatchdogLimits
}

export interface ServerLimits {
  readonly bodyBytesMax: number
  readonly bodyBytesInFlightMax: number
  readonly jsonDepthMax: number
  readonly headerBytesMax: number
  /** Of a replica. */
  readonly connectionsMax: number
  /** Rows that may wait for a version in a thread on one level, and the same in work. */
  readonly queueRowsMax: number
  readonly queueWorkMsMax: number
  /** Of a request that says none; 0: none. */
  readonly timeoutMsDefault: number
  /** Longest that a request may ask for. */
  readonly timeoutMsMax: number
}

export interface GrpcLimits {
  /** Of one connection. */
  readonly streamsMax: number
  readonly connectionIdleSeconds: number
  /** A tenth more or less. */
  readonly connectionAgeSeconds: number
  readonly connectionGraceSeconds: number
  readonly keepaliveSeconds: number
  readonly keepaliveTimeoutSeconds: number
}

export interface WatchdogLimits {
  readonly reportMs: number
  readonly idleMsMax: number
  readonly runMsMax: number
  readonly loadMsMax: number
}
