/** One replica process as control knows it: a child of ours, or of an earlier control. */

import { spawn } from 'node:child_process'
import { create } from '@bufbuild/protobuf'
import { DrainSchema } from '../../../proto/gen/control_pb.ts'
import type { ReplicaSettings } from '../../shared/epoch-plan.ts'
import { GatewayError } from '../../shared/errors.ts'
import { findIdentity, isAlive, type ProcessIdentity } from '../../shared/process-identity.ts'
import { settingsSha256 } from '../../shared/replica-settings.ts'
import type { ConnectedReplica } from './connected-replica.ts'
import { nodeFlags } from './node-flags.ts'
import { placeOf, type ReplicaFile, type ReplicaPlace } from './replica-files.ts'
import { withReplicaLog } from './replica-log.ts'

/** A replica exits with it when it can never start: nobody can listen where it was told to. */
const FATAL_EXIT_CODE = 78

export interface ReplicaProcess {
  readonly incarnation: number
  readonly place: ReplicaPlace
  readonly isChild: boolean
  /** SHA-256 of what it was started with; '' for one of an earlier control that has not dialled. */
  settingsSha256: string
  /** Null for a process that died before its pid was written down, or that could not start. */
  identity: ProcessIdentity | null
  readonly startedAtMs: number
  /** Its link; null while it has none. */
  replica: ConnectedReplica | null
  /** While it is not connected: when it is given up. */
  connectByMs: number
  /** First Hello under this control; null before. */
  connectedAtMs: number | null
  /** Whether it has answered requests, as far as is known. */
  hasServed: boolean
  /** When it is killed if it has not ended; null: it may stay. */
  endByMs: number | null
  /** Its end is wanted and is no sign of trouble. */
  isEndPlanned: boolean
  /** When its successor may start is settled. */
  isSucceeded: boolean
  hasEnded: boolean
  /** How it ended, for people. */
  ending: string
  isFatal: boolean
}

/** Nobody has asked it to end. */
export const isStaying = ({ endByMs }: Readonly<ReplicaProcess>): boolean => endByMs === null

type Given = Pick<
  ReplicaProcess,
  'incarnation' | 'place' | 'isChild' | 'identity' | 'settingsSha256'
>

const makeProcess = (given: Given, nowMs: number, patienceMs: number): ReplicaProcess => ({
  ...given,
  startedAtMs: nowMs,
  replica: null,
  connectByMs: nowMs + patienceMs,
  connectedAtMs: null,
  hasServed: false,
  endByMs: null,
  isEndPlanned: false,
  isSucceeded: false,
  hasEnded: false,
  ending: 'ended',
  isFatal: false,
})

/** A process that a run file names. Its end is found in /proc. */
export const adoptProcess = (
  file: ReplicaFile,
  nowMs: number,
  patienceMs: number,
): ReplicaProcess => {
  const { incarnation, identity } = file
  const place = placeOf(file)
  const given = { incarnation, place, identity, isChild: false, settingsSha256: '' }
  return makeProcess(given, nowMs, patienceMs)
}

export interface SpawnOptions {
  /** File that Node runs. */
  readonly entry: string
  readonly settings: ReplicaSettings
  /** Of the machine, those that it has for itself. */
  readonly cores: number
  readonly logsPath: string
  readonly nowMs: number
  readonly patienceMs: number
  /** Called once, after this returns, when the process has ended or could not be made. */
  onEnd(): void
}

/** Why a replica could not be started. What the system says itself would name paths. */
export const startFault = (error: unknown): string => {
  if (error instanceof GatewayError) return error.message
  return `not started (${(error as NodeJS.ErrnoException).code ?? 'internal fault'})`
}

/**
 * Starts a replica in a session of its own, so that neither Ctrl-C in control's terminal nor the
 * end of control ends it. Its output goes to a file: a pipe would break when control dies.
 */
export const spawnReplica = (options: SpawnOptions): ReplicaProcess => {
  const { entry, settings, cores, logsPath, nowMs, patienceMs, onEnd } = options
  const flags = nodeFlags(settings, cores)
  const child = withReplicaLog(logsPath, settings.replica, (log) =>
    spawn(process.execPath, [...flags, entry, JSON.stringify(settings)], {
      detached: true,
      stdio: ['ignore', log, log],
    }),
  )
  child.unref()
  const { pid } = child
  const identity =
    pid === undefined ? null : (findIdentity(pid) ?? { pid, startTime: '', bootId: '' })
  const { incarnation } = settings
  const place = placeOf(settings)
  const sha = { settingsSha256: settingsSha256(settings) }
  const given = { incarnation, place, identity, isChild: true, ...sha }
  const made = makeProcess(given, nowMs, patienceMs)
  const end = (ending: string) => {
    if (made.hasEnded) return
    made.hasEnded = true
    made.ending = ending
    onEnd()
  }
  child.once('exit', (code, signal) => {
    made.isFatal = code === FATAL_EXIT_CODE
    end(signal === null ? `exit code ${code}` : `signal ${signal}`)
  })
  child.on('error', (error) => {
    if (pid === undefined) end(startFault(error))
  })
  return made
}

/** Sends a signal unless the process has ended and its pid may be another's. */
export const signalReplica = (target: ReplicaProcess, signal: 'SIGTERM' | 'SIGKILL'): void => {
  const { identity, hasEnded } = target
  if (identity === null || hasEnded || !isAlive(identity)) return
  try {
    process.kill(identity.pid, signal)
  } catch {
    // ended between the two lines
  }
}

/** Asks for an orderly end; the answer is its exit. Without a link SIGTERM asks for the same. */
export const tellDrain = (target: ReplicaProcess, graceMs: number): void => {
  if (target.replica === null) {
    signalReplica(target, 'SIGTERM')
    return
  }
  const value = create(DrainSchema, { deadlineMs: Math.max(0, Math.round(graceMs)) })
  target.replica.link.tell({ case: 'drain', value })
}
