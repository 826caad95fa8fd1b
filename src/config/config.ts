/** The settings of a gateway as plain, frozen data: what the rest of Sluice sees of sluice.yaml. */

import type { TlsVersion } from '../shared/access-plan.ts'
import type { GrpcLimits, ServerLimits } from '../shared/epoch-plan.ts'
import type { Refusal } from '../shared/errors.ts'
import type { PlacementWish } from '../shared/placement.ts'
import type { QueuePolicies } from '../shared/queue-policy.ts'
import type { RecordPolicies } from '../shared/record-policy.ts'
import type { Durability, RecordSettings } from '../shared/record-settings.ts'
import type { SessionSettings } from '../shared/session-settings.ts'
import type { TraceSampling } from '../shared/trace-context.ts'
import type { WarmupSample } from '../shared/warmup-sample.ts'

/** Where a server listens. */
export interface ListenAddress {
  /** IP address, without brackets, or host name. */
  readonly host: string
  /** 0: one that is free. */
  readonly port: number
}

export interface SluiceConfig {
  /** Absolute. */
  readonly modelRepository: string
  readonly defaultEndpoint: string | null
  /** Absolute. */
  readonly stateDir: string
  readonly modelControlMode: 'none' | 'poll' | 'explicit'
  readonly modelPollSeconds: number
  /** Of the explicit mode; `*`: all. */
  readonly loadModels: readonly string[]
  readonly loadRetriesMax: number
  readonly loadRetrySeconds: number
  readonly server: {
    readonly host: string
    readonly httpPort: number
    /** null: no gRPC. */
    readonly grpcPort: number | null
    readonly http: 'uws' | 'node'
    readonly threads: number
    readonly computeThreads: number
    readonly replicas: number
    readonly drainSecondsMax: number
    readonly docsPage: boolean
  }
  readonly control: ListenAddress
  /** `listen`: where metrics are served beside the control port; null: nowhere. */
  readonly metrics: { readonly listen: ListenAddress | null }
  /** Seconds; 0: replicas serve without control for ever. */
  readonly controlAbsenceMax: number
  readonly grpc: GrpcLimits & {
    /** Absolute; null: clients need no certificate. */
    readonly clientCaFile: string | null
  }
  readonly limits: ServerLimits
  readonly access: {
    /** All of them, those of the keys file too. */
    readonly keys: readonly ApiKey[]
    /** Absolute. */
    readonly keysFile: string | null
  }
  /** Both files, absolute, or neither: then the data plane takes plain HTTP. */
  readonly tls: {
    readonly certFile: string | null
    readonly keyFile: string | null
    readonly minVersion: TlsVersion
  }
  /** Origins as browsers send them, or `*`. */
  readonly cors: { readonly origins: readonly string[] }
  readonly proving: {
    readonly timeoutSeconds: number
    readonly memoryBytesMax: number
    readonly rowsMax: number
  }
  readonly records: {
    readonly enabled: boolean
    /** Absolute. */
    readonly path: string
    readonly durability: Durability
    readonly whenFull: RecordSettings['whenFull']
    readonly ringBytes: number
    readonly recordBytesMax: number
    /** Absolute. */
    readonly hmacKeyFile: string | null
    /** Of the key in it. */
    readonly hmacKeyId: string | null
    readonly spool: {
      readonly bytesMax: number
      readonly segmentBytes: number
      readonly segmentSeconds: number
    }
    readonly file: {
      readonly flushSeconds: number
      readonly flushRows: number
      readonly retentionBytes: number
      readonly retentionDays: number
    }
    readonly policies: RecordPolicies
  }
  readonly recycle: {
    readonly unloadsMax: number
    readonly memoryBytesMax: number
    readonly pauseSeconds: number
  }
  /** Most memory of all inline sessions of a version. */
  readonly placement: { readonly sessionBytesMax: number }
  readonly watchdog: {
    readonly reportSeconds: number
    readonly idleSecondsMax: number
    readonly executionTimeoutSeconds: number
    readonly loadSecondsMax: number
  }
  readonly log: { readonly level: 'debug' | 'info' | 'warn' | 'error' }
  /** Of the environment (tracing.ts); null: off. */
  readonly tracing: TracingConfig | null
}

export interface TracingConfig {
  readonly sampling: TraceSampling
  /** How spans are gathered for their export. */
  readonly batch: {
    readonly queueSpansMax: number
    readonly batchSpansMax: number
    readonly delayMs: number
    readonly exportMsMax: number
  }
}

/** A key of the data plane. */
export interface ApiKey {
  readonly name: string
  readonly sha256: string
  /** null: all. */
  readonly endpoints: readonly string[] | null
  /** Over all replicas; null: no limit. */
  readonly requestsPerSecond: number | null
  /** Requests at once after a pause, over all replicas. */
  readonly burst: number
  /** 1 first; 0: not said. */
  readonly priority: number
}

/** Of a file, both from 1. */
export interface Place {
  readonly line: number
  readonly column: number
}

/** A tensor that config.pbtxt declares, as the model should have it. */
export interface DeclaredTensor {
  readonly name: string
  /** Without `TYPE_`; STRING is BYTES. There are some that no model here has, such as FP16. */
  readonly datatype: string
  /** Of one row, where the model has rows; -1: any. */
  readonly dims: readonly number[]
  /** An input that a request may leave out, which no model here has among its inputs. */
  readonly isOptional: boolean
  readonly places: Readonly<Record<'name' | 'datatype' | 'dims', Place>>
}

/** What config.pbtxt promises of every version of its model. */
export interface DeclaredTensors {
  /** Empty: nothing is promised. Else all inputs of the model. */
  readonly inputs: readonly DeclaredTensor[]
  /** Some outputs of the model. */
  readonly outputs: readonly DeclaredTensor[]
  /** Where max_batch_size is said. */
  readonly batchSizePlace: Place
  /** Where a GPU is asked for; null where none is. */
  readonly gpuPlace: Place | null
}

/** Which versions of a model are to be loaded, beside those that aliases name. */
export type VersionPolicy =
  | { readonly kind: 'latest'; readonly count: number }
  | { readonly kind: 'all' }
  | { readonly kind: 'specific'; readonly versions: readonly number[] }

/** model.yaml or config.pbtxt */
export interface ModelConfig {
  /** null: as measured; 0: requests run alone. */
  readonly maxBatchSize: number | null
  readonly maxQueueDelayUs: number
  readonly preferredBatchSize: readonly number[]
  readonly session: SessionSettings
  readonly queue: QueuePolicies
  readonly versionPolicy: VersionPolicy
  readonly placement: PlacementWish
  /** Sessions in the compute threads of a replica; null: as many as there are such threads. */
  readonly instances: number | null
  readonly warmups: readonly WarmupSample[]
  /** null: without config.pbtxt. */
  readonly declared: DeclaredTensors | null
}

/** One thing that is wrong with a file, a flag or a variable. */
export interface ConfigProblem {
  /** The file as its reader would type it, the `--flag` or the variable. */
  readonly source: string
  /** 1-based; 0 where there is none. */
  readonly line: number
  readonly column: number
  /** Dotted key, '' for the whole. */
  readonly path: string
  readonly message: string
  readonly hint: string | null
}

/** Why a file of a repository is refused, and every single thing that is wrong with it. */
export interface FileRefusal extends Refusal {
  readonly problems: readonly ConfigProblem[]
}
