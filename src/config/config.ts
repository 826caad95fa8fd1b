/** The settings of a gateway as plain, frozen data: what the rest of Sluice sees of sluice.yaml. */

import type { Refusal } from '../shared/errors.ts'

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
  readonly server: {
    readonly host: string
    readonly httpPort: number
    readonly http: 'uws' | 'node'
    readonly threads: number
    readonly replicas: number
    readonly drainSecondsMax: number
    readonly docsPage: boolean
  }
  readonly control: ListenAddress
  /** `listen`: where metrics are served beside the control port; null: nowhere. */
  readonly metrics: { readonly listen: ListenAddress | null }
  /** Seconds; 0: replicas serve without control for ever. */
  readonly controlAbsenceMax: number
  readonly limits: {
    readonly bodyBytesMax: number
    readonly bodyBytesInFlightMax: number
    readonly jsonDepthMax: number
    readonly headerBytesMax: number
    readonly queueRowsMax: number
  }
  /** Origins as browsers send them, or `*`. */
  readonly cors: { readonly origins: readonly string[] }
  readonly proving: {
    readonly timeoutSeconds: number
    readonly memoryBytesMax: number
    readonly rowsMax: number
  }
  readonly watchdog: {
    readonly reportSeconds: number
    readonly idleSecondsMax: number
    readonly executionTimeoutSeconds: number
    readonly loadSecondsMax: number
  }
  readonly log: { readonly level: 'debug' | 'info' | 'warn' | 'error' }
}

/** model.yaml */
export interface ModelConfig {
  /** null: as measured; 0: requests run alone. */
  readonly maxBatchSize: number | null
  readonly maxQueueDelayUs: number
  readonly preferredBatchSize: readonly number[]
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
