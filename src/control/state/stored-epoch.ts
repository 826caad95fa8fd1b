/** `epoch.json`: the last committed epoch, which the next control process continues. */

import { BUCKETS } from '../../routing/bucket-table.ts'
import type { AtomicWriteOptions } from '../../shared/atomic-file.ts'
import { completeEndpoint, type PlannedEndpoint } from '../../shared/epoch-plan.ts'
import { isFields } from '../../shared/fields.ts'
import {
  corrupt,
  readStateFile,
  type StateFormat,
  writeStateFile,
} from '../../shared/state-file.ts'

/** Number and endpoints (policy, bucket table) of the last committed epoch. */
export interface StoredEpoch {
  readonly epoch: number
  readonly endpoints: readonly PlannedEndpoint[]
}

const FORMAT: StateFormat = { name: 'sluice.epoch', version: 1 }
const FILE = 'epoch.json'

const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0

const isVariant = (value: unknown): boolean =>
  isFields(value) &&
  typeof value['name'] === 'string' &&
  isCount(value['version']) &&
  isCount(value['weightBp'])

/** Whether runs of buckets cover the table exactly and name variants that exist. */
const areBucketRuns = (runs: unknown, variants: number): boolean => {
  if (!Array.isArray(runs)) return false
  let buckets = 0
  for (const run of runs) {
    if (!Array.isArray(run) || !isCount(run[0]) || !isCount(run[1])) return false
    if (run.length !== 2 || run[1] >= variants) return false
    buckets += run[0]
  }
  return buckets === BUCKETS
}

/** Whether a value that was read or received is an endpoint as plans hold it. */
export const isEndpoint = (value: unknown): value is PlannedEndpoint => {
  if (!isFields(value)) return false
  const { name, model, salt, revision, contract, variants, bucketRuns } = value
  return (
    [name, model, salt].every((text) => typeof text === 'string') &&
    isCount(revision) &&
    isFields(contract) &&
    Array.isArray(contract['features']) &&
    Array.isArray(contract['tensors']) &&
    Array.isArray(variants) &&
    variants.every(isVariant) &&
    areBucketRuns(bucketRuns, variants.length)
  )
}

/**
 * Reads the last epoch; null when there was none.
 *
 * @throws GatewayError STATE_TOO_NEW, STATE_CORRUPT
 */
export const readStoredEpoch = (path: string): StoredEpoch | null => {
  const fields = readStateFile(path, FILE, FORMAT)
  if (fields === null) return null
  const { epoch, endpoints } = fields
  if (!isCount(epoch)) throw corrupt(FILE, 'has no epoch number')
  if (!Array.isArray(endpoints) || !endpoints.every(isEndpoint)) {
    throw corrupt(FILE, 'holds an endpoint that is not whole')
  }
  return { epoch, endpoints: endpoints.map(completeEndpoint) }
}

export const writeStoredEpoch = (
  path: string,
  { epoch, endpoints }: StoredEpoch,
  options: AtomicWriteOptions,
): void => writeStateFile(path, FORMAT, { epoch, endpoints }, options)
