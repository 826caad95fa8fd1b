/** What control hands to a proving run, as JSON. */

import type { ExampleRow, Manifest } from '../shared/manifest.ts'
import type { SessionSettings } from '../shared/session-settings.ts'
import type { WarmupSample } from '../shared/warmup-sample.ts'

/** Protobuf's own bound; a larger file is no model. */
export const MODEL_BYTES_MAX = 2 ** 31 - 1

export interface ProvingTask {
  readonly modelFile: string
  readonly manifest: Manifest | null
  readonly exampleRow: ExampleRow | null
  /** From model.yaml or config.pbtxt; null: as measured. */
  readonly maxBatchSize: number | null
  /** What it is optimised for and measured with. */
  readonly session: SessionSettings
  /** Samples that it must run before it is sound. */
  readonly warmups: readonly WarmupSample[]
  /** Where the files of samples lie: the folder `warmup` of the model. */
  readonly warmupFolder: string
  /** Largest batch to measure. */
  readonly rowsMax: number
  /** Resident memory beyond which the run is ended: measuring must stay well below. */
  readonly memoryBytesMax: number
  /** Private to this run; deleted at its end. */
  readonly scratchFolder: string
  /** Where the proven copy goes, named by its own digest. */
  readonly provenFolder: string
  /** Of the environment; null: not set. It says which GPU is which to CUDA. */
  readonly cudaVisibleDevices: string | null
  /** The run ends when this is no longer its parent. */
  readonly controlPid: number
}
