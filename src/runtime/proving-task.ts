/** What control hands to a proving run, as JSON. */

import type { Manifest } from '../shared/manifest.ts'

export interface ProvingTask {
  readonly modelFile: string
  readonly manifest: Manifest | null
  readonly exampleRow: Readonly<Record<string, number | string | boolean | null>> | null
  /** From model.yaml; null: as measured. */
  readonly maxBatchSize: number | null
  /** Largest batch to measure. */
  readonly rowsMax: number
  /** Private to this run; deleted at its end. */
  readonly scratchFolder: string
  /** Where the proven copy goes, named by its own digest. */
  readonly provenFolder: string
  readonly ortVersion: string
}
