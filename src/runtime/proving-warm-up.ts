/**
 * Warm-up samples in a proving run: a version whose samples fail never gets as far as a replica.
 * The files that they name are read once, and copied to where replicas find them.
 */

import { createHash } from 'node:crypto'
import { constants, fstatSync, readFileSync, realpathSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import type { GatewayError } from '../shared/errors.ts'
import type { WarmupSample } from '../shared/warmup-sample.ts'
import { keepFile, NewFile, withFile } from './own-files.ts'
import type { BatchFindings } from './proving-batches.ts'
import type { ProvingTask } from './proving-task.ts'
import type { Session } from './session-types.ts'
import { runSamples } from './warm-up.ts'
import { SAMPLE_BYTES_MAX, warmupFault } from './warm-up-tensors.ts'

/** Whether a place lies within a folder, both without links. */
const isWithin = (folder: string, place: string): boolean => {
  const way = relative(folder, place)
  return way !== '' && way !== '..' && !way.startsWith('../')
}

/** Reads a file of the folder `warmup` of a model; a link must not lead out of the model's. */
const readPublished = (warmupFolder: string, file: string): Buffer => {
  const real = realpathSync(join(warmupFolder, file))
  if (!isWithin(realpathSync(dirname(warmupFolder)), real))
    throw new Error('leads out of its model')
  // Without waiting for whoever writes into it, should it be a pipe.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
  return withFile(real, flags, (fd) => {
    const stat = fstatSync(fd)
    if (!stat.isFile()) throw new Error('is no file')
    if (stat.size > SAMPLE_BYTES_MAX) throw new Error('exceeds 1 GiB')
    return readFileSync(fd)
  })
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'does not exist',
  ELOOP: 'is a loop of links',
}

const readFault = (sample: string, file: string, thrown: unknown): GatewayError => {
  const { code, message } = thrown as NodeJS.ErrnoException
  const why = code === undefined ? message : (REASONS[code] ?? `cannot be read (${code})`)
  return warmupFault(sample, `warmup/${file} ${why}`)
}

/** A version is not batched, or by its own settings at most so many rows at once. */
const checkRows = ({ name, batchSize }: WarmupSample, { maxBatchSize }: ProvingTask): void => {
  if (maxBatchSize === null || maxBatchSize === 0 || batchSize <= maxBatchSize) return
  throw warmupFault(name, `its batch_size is ${batchSize}; max_batch_size is ${maxBatchSize}`)
}

/**
 * Runs the samples of a version, and copies their files to `provenFolder`, named by their SHA-256.
 * Returns that by their names. Throws WARMUP_FAILED or STATE_UNWRITABLE.
 */
export const proveWarmups = (
  session: Session,
  task: ProvingTask,
  { hasRowDimension, batchCap }: BatchFindings,
): Record<string, string> => {
  const files = new Map<string, Buffer>()
  const isBatched = hasRowDimension && task.maxBatchSize !== 0
  for (const sample of task.warmups) {
    checkRows(sample, task)
    runSamples(session, [sample], isBatched ? batchCap : 0, (file) => {
      let bytes = files.get(file)
      try {
        bytes ??= readPublished(task.warmupFolder, file)
      } catch (thrown) {
        throw readFault(sample.name, file, thrown)
      }
      files.set(file, bytes)
      return bytes
    })
  }
  const digests: Record<string, string> = {}
  for (const [file, bytes] of files) {
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    const scratch = join(task.scratchFolder, `${sha256}.data`)
    const isNew = !Object.values(digests).includes(sha256)
    digests[file] = sha256
    if (!isNew) continue
    const copy = new NewFile(scratch)
    copy.write(bytes)
    copy.close()
    keepFile(scratch, join(task.provenFolder, `${sha256}.data`))
  }
  return digests
}
