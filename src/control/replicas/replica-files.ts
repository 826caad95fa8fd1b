/**
 * `run/replica-<index>-<incarnation>.json`: a process that serves as a replica, for the next
 * control process.
 *
 * Written before a replica is started (without its process) and again after: whenever control dies,
 * its successor knows of every replica that may run, by its process or by its incarnation. They
 * tell of processes of this boot only, so they need not survive a power failure.
 */

import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { GatewayError } from '../../shared/errors.ts'
import { type Fields, isFields } from '../../shared/fields.ts'
import { isAlive, type ProcessIdentity } from '../../shared/process-identity.ts'
import { readStateFile, type StateFormat, writeStateFile } from '../../shared/state-file.ts'

/** Which replica a process is. */
export interface ReplicaName {
  readonly replica: number
  readonly incarnation: number
}

/** Where a replica was told to listen. */
export interface ReplicaPlace {
  readonly host: string
  readonly httpPort: number
  /** null: no gRPC, or a replica of a release that had none. */
  readonly grpcPort: number | null
}

/** That of settings, and nothing else of them. */
export const placeOf = ({ host, httpPort, grpcPort }: ReplicaPlace): ReplicaPlace => ({
  ...{ host, httpPort, grpcPort },
})

export interface ReplicaFile extends ReplicaName, ReplicaPlace {
  /** Null between the two writes. */
  readonly identity: ProcessIdentity | null
}

export interface ReplicaFiles {
  /** Those that may still run, by index and incarnation. */
  readonly living: readonly ReplicaFile[]
  /** Those that have ended, or whose file is damaged: they are unknown and are told to end. */
  readonly dead: readonly ReplicaName[]
}

const FORMAT: StateFormat = { name: 'sluice.replica', version: 1 }
const FILE_NAME = /^replica-(0|[1-9][0-9]{0,5})-([1-9][0-9]{0,14})\.json$/

const fileName = ({ replica, incarnation }: ReplicaName): string =>
  `replica-${replica}-${incarnation}.json`

/** @throws GatewayError STATE_UNWRITABLE */
export const writeReplicaFile = (runPath: string, file: ReplicaFile): void =>
  writeStateFile(join(runPath, fileName(file)), FORMAT, file, { isDurable: false })

export const removeReplicaFile = (runPath: string, name: ReplicaName): void => {
  try {
    rmSync(join(runPath, fileName(name)), { force: true })
  } catch {
    // It stays and names a dead process, which its next reader sees.
  }
}

const isIdentity = (value: unknown): value is ProcessIdentity =>
  isFields(value) &&
  Number.isSafeInteger(value['pid']) &&
  Number(value['pid']) > 0 &&
  typeof value['startTime'] === 'string' &&
  typeof value['bootId'] === 'string'

/** A file as it was written, or null when it is damaged. */
const readOne = (runPath: string, name: ReplicaName): ReplicaFile | null => {
  let fields: Fields | null
  try {
    fields = readStateFile(join(runPath, fileName(name)), `run/${fileName(name)}`, FORMAT)
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'STATE_TOO_NEW') throw error
    return null
  }
  if (fields === null) return null
  // A file of an earlier release has no port of gRPC, and that release passes over it: one format.
  const { replica, incarnation, host, httpPort, grpcPort = null, identity } = fields
  if (replica !== name.replica || incarnation !== name.incarnation) return null
  if (typeof host !== 'string' || !Number.isSafeInteger(httpPort)) return null
  if (grpcPort !== null && !Number.isSafeInteger(grpcPort)) return null
  if (identity !== null && !isIdentity(identity)) return null
  const ports = { httpPort: httpPort as number, grpcPort: grpcPort as number | null }
  return { ...name, host, ...ports, identity }
}

/**
 * What earlier control processes wrote down. Only looks: who may clean up is not known yet.
 *
 * @throws GatewayError STATE_TOO_NEW
 */
export const readReplicaFiles = (runPath: string): ReplicaFiles => {
  const living: ReplicaFile[] = []
  const dead: ReplicaName[] = []
  for (const found of readdirSync(runPath)) {
    const [, replica, incarnation] = FILE_NAME.exec(found) ?? []
    if (replica === undefined) continue
    const name = { replica: Number(replica), incarnation: Number(incarnation) }
    const file = readOne(runPath, name)
    const mayRun = file !== null && (file.identity === null || isAlive(file.identity))
    if (mayRun) living.push(file)
    else dead.push(name)
  }
  living.sort((a, b) => a.replica - b.replica || a.incarnation - b.incarnation)
  return { living, dead }
}
