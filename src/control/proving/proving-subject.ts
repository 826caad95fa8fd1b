/** What a proving run is about: files of a version, and the settings of its model. */

import { dirname, join } from 'node:path'
import { stampVersion } from '../../registry/file-stamps.ts'
import type { ScannedModel, ScannedVersion } from '../../registry/folder.ts'
import type { ProvingTask } from '../../runtime/proving-task.ts'
import { refuse } from '../../shared/errors.ts'
import type { Logger } from '../../shared/logger.ts'
import type { PoisonList } from '../blame/poison-list.ts'
import type { CatalogSources } from '../planning/catalog.ts'
import type { Prover } from './prover.ts'

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

export interface ProveParts {
  readonly prover: Pick<Prover, 'prove'>
  readonly logger: Logger
  /** Then nothing that fails is worth a line. */
  isEnding(): boolean
  /** Why a version may not be loaded, whatever its proving run says; null when it may. */
  poisonOf(version: Parameters<PoisonList['reasonFor']>[0]): string | null
}

/** Has scanned versions proved, and logs those that fail. */
export const proveBy =
  ({ prover, logger, isEnding, poisonOf }: ProveParts): CatalogSources['prove'] =>
  async (model, scanned) => {
    const result = await prover.prove(provingSubject(model, scanned))
    const { folder, stamp, version } = scanned
    const { name } = model
    // What was found is not about the files that were scanned, or not about all of them.
    if (stamp !== undefined && stampVersion(folder).text !== stamp && !isEnding()) {
      return refuse('FILES_CHANGING', 'Its files have changed while it was proved')
    }
    const poison = 'code' in result ? null : poisonOf({ ...result, model: name, version })
    if (poison !== null) return { code: 'VERSION_POISONED', detail: poison }
    if ('code' in result && !isEnding()) {
      const event = { event: 'proving_failed', model: name, version, ...result }
      logger.warn(event, 'a version failed')
    }
    return result
  }
