/** The answers of `GET /api/v1/status` and `GET /api/v1/models`, which the CLI prints. */

import type { GpuFindings } from '../../runtime/proving-report.ts'
import type { BatchPolicy } from '../../shared/epoch-plan.ts'
import type { Placement } from '../../shared/placement.ts'
import type { SessionSettings } from '../../shared/session-settings.ts'
import type { Signature } from '../../shared/tensor.ts'
import type { VersionState } from '../planning/version-state.ts'
import type { RecycleStatus } from '../replicas/recycler.ts'
import type { UnloadStatus } from '../replicas/replica-versions.ts'
import type { RestartStatus } from '../replicas/rolling-restart.ts'

export interface VersionStatus {
  readonly version: number
  readonly state: VersionState
  readonly aliases: readonly string[]
  /** Error code and reason when `failed` or `poison`; a reason alone where a state needs one. */
  readonly code: string | null
  readonly reason: string | null
  readonly digest: string | null
  readonly signature: Signature | null
  readonly batching: BatchPolicy | null
  /** Where its sessions live, how many a replica has in compute threads, and why. */
  readonly placement: Placement | null
  readonly session: SessionSettings | null
  /** Measured microseconds of one run of 1 row and of `batching.rowsMax` rows. */
  readonly runUs: { readonly oneRow: number; readonly fullBatch: number } | null
  readonly memoryBytes: number | null
  /** What became of the GPU that it asks for; null: it asks for none. */
  readonly gpu: GpuFindings | null
  /** Its last unload from each replica, under this control. */
  readonly unloads: readonly UnloadStatus[]
  /** Things that work but deserve a look: over 1 ms a batch, not batched, no manifest. */
  readonly warnings: readonly string[]
}

export interface ModelStatus {
  readonly name: string
  readonly aliases: Readonly<Record<string, number>>
  readonly versions: readonly VersionStatus[]
}

export interface ModelsDocument {
  readonly models: readonly ModelStatus[]
}

/** Requests that a variant was chosen for, over all replicas, the dead included. */
export interface VariantCounters {
  readonly requests: number
  /** The client's fault, or load (4xx, 503). */
  readonly refused: number
  /** The model's fault or ours (5xx). */
  readonly failed: number
  /** The client went away. */
  readonly aborted: number
  readonly p50Ms: number
  readonly p99Ms: number
}

export interface EndpointStatus {
  readonly name: string
  readonly model: string
  readonly revision: number
  readonly variants: readonly ({
    readonly name: string
    readonly version: number
    readonly weightBp: number
  } & VariantCounters)[]
}

export interface ReplicaStatus {
  readonly index: number
  readonly pid: number
  /** Milliseconds since the replica process was adopted or started by this control. */
  readonly uptimeMs: number
  readonly state: 'starting' | 'serving' | 'draining' | 'dead'
  readonly epoch: number
  readonly httpEngine: string
  readonly restarts: number
  readonly rssBytes: number
  readonly threads: readonly {
    readonly thread: number
    readonly state: string
    readonly connections: number
    readonly inFlight: number
    readonly loopLagMs: number
    /** Whether it accepts connections, or why not: it has as many as it may, or is behind. */
    readonly accepting: 'open' | 'full' | 'late' | 'ended' | ''
  }[]
}

export interface StatusDocument {
  readonly version: string
  readonly gateway: string
  readonly ready: boolean
  /** Why it is not ready; empty when it is. */
  readonly reasons: readonly string[]
  readonly epoch: number
  readonly startedAt: string
  readonly uptimeMs: number
  readonly httpHost: string
  /** `https`: the data plane takes nothing else. */
  readonly httpScheme: 'http' | 'https'
  readonly httpPort: number
  /** On `httpHost`, with TLS where HTTP has it; null: no gRPC is served. */
  readonly grpcPort: number | null
  readonly controlPort: number
  /** Where metrics are served beside the control port; null: nowhere. */
  readonly metricsListen: { readonly host: string; readonly port: number } | null
  readonly defaultEndpoint: string | null
  readonly endpoints: readonly EndpointStatus[]
  readonly replicas: readonly ReplicaStatus[]
  /** The last rolling restart that was asked for; null before the first under this control. */
  readonly restart: RestartStatus | null
  /** The last replica that was replaced by itself, worn; null before the first. */
  readonly recycled: RecycleStatus | null
  /**
   * Sentences for the operator: versions that failed, slow models, dead replicas, settings that
   * wait for a restart.
   */
  readonly warnings: readonly string[]
}
