/**
 * `run/replica-<n>.json`: which process serves as replica n, for the next control process.
 *
 * Written before a replica is started (without its process) and again after: whenever control dies,
 * its successor knows of every replica that may run, by its process or by its incarnation. They
 * tell of processes of this boot only, so they need not survive a power failure.
 */

import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { ReplicaSettings } from '../shared/epoch-plan.ts'
import { GatewayError } from '../shared/errors.ts'
import { isAlive, type ProcessIdentity } from '../shared/process-identity.ts'
import { readStateFile, type StateFormat, writeStateFile } from './state-file.ts'

export interface ReplicaFile {
  readonly replica: number
  readonly incarnation: number
  /** What it was started with: a successor compares it with what is wanted now. */
  readonly settings: ReplicaSettings
  /** Null between the two writes. */
  readonly identity: ProcessIdentity | null
}

const FORMAT: StateFormat = { name: 'sluice.replica', version: 1 }
const FILE_NAME = /^replica-(0|[1-9][0-9]{0,5})\.json$/

const fileName = (replica: number): string => `replica-${replica}.json`

export const writeReplicaFile = (runPath: string, file: ReplicaFile): void =>
  writeStateFile(join(runPath, fileName(file.replica)), FORMAT, file, false)

export const removeReplicaFile = (runPath: string, replica: number): void => {
  try {
    rmSync(join(runPath, fileName(replica)), { force: true })
  } catch {
    // It stays and names a dead process, which its next reader sees.
  }
}

type Fields = Readonly<Record<string, unknown>>

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null

const isIdentity = (value: unknown): value is ProcessIdentity =>
  isFields(value) &&
  Number.isSafeInteger(value['pid']) &&
  Number(value['pid']) > 0 &&
  typeof value['startTime'] === 'string' &&
  typeof value['bootId'] === 'string'

/** A file as it was written, or null when it is damaged. */
const readOne = (runPath: string, replica: number): ReplicaFile | null => {
  let fields: Fields | null
  try {
    fields = readStateFile(join(runPath, fileName(replica)), `run/${fileName(replica)}`, FORMAT)
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'STATE_TOO_NEW') throw error
    return null
  }
  if (fields === null || fields['replica'] !== replica) return null
  const { incarnation, settings, identity } = fields
  if (!Number.isSafeInteger(incarnation) || !isFields(settings)) return null
  if (identity !== null && !isIdentity(identity)) return null
  return {
    replica,
    incarnation: incarnation as number,
    settings: settings as unknown as ReplicaSettings,
    identity,
  }
}

/**
 * The replicas that earlier control processes wrote down and that may still run, by index. Files of
 * dead replicas and damaged ones are removed: a replica whose file is damaged is unknown, and is
 * told to end when it dials.
 *
 * @throws GatewayError STATE_TOO_NEW
 */
export const findLivingReplicas = (runPath: string): ReplicaFile[] => {
  const living: ReplicaFile[] = []
  for (const name of readdirSync(runPath)) {
    const index = FILE_NAME.exec(name)?.[1]
    if (index === undefined) continue
    const file = readOne(runPath, Number(index))
    const mayRun = file !== null && (file.identity === null || isAlive(file.identity))
    if (mayRun) living.push(file)
    else removeReplicaFile(runPath, Number(index))
  }
  return living.sort((a, b) => a.replica - b.replica)
}
