/** What a proving run is about: files of a version, and the settings of its model. */

import { dirname, join } from 'node:path'
import type { ScannedModel, ScannedVersion } from '../registry/folder.ts'
import type { ProvingTask } from '../runtime/proving-task.ts'

export type ProvingSubject = Pick<
  ProvingTask,
  'modelFile' | 'manifest' | 'exampleRow' | 'maxBatchSize' | 'session' | 'warmups' | 'warmupFolder'
>

export const provingSubject = (
  { config }: ScannedModel,
  { modelFile, manifest, exampleRow, folder }: ScannedVersion,
): ProvingSubject => ({
  ...{ modelFile, manifest, exampleRow },
  maxBatchSize: config.maxBatchSize,
  session: config.session,
  warmups: config.warmups,
  warmupFolder: join(dirname(folder), 'warmup'),
})
