/** One replica process as control knows it: a child of ours, or of an earlier control. */

import { spawn } from 'node:child_process'
import type { ReplicaSettings } from '../shared/epoch-plan.ts'
import { findIdentity, isAlive, type ProcessIdentity } from '../shared/process-identity.ts'
import type { ReplicaFile } from './replica-files.ts'
import { withReplicaLog } from './replica-log.ts'

/** A replica that exits with it can never start (design §3): it is not started again. */
export const FATAL_EXIT_CODE = 78

export interface ReplicaProcess {
  readonly incarnation: number
  /** What it was started with. */
  readonly settings: ReplicaSettings
  readonly isChild: boolean
  /** Null for a process that died before its pid was written down, or that could not start. */
  identity: ProcessIdentity | null
  readonly startedAtMs: number
  /** While it is not connected: when it is given up. */
  connectByMs: number
  /** First Hello under this control; null before. */
  connectedAtMs: number | null
  /** When it is killed if it has not ended; null: it may stay. */
  endByMs: number | null
  /** Its end is wanted and is no sign of trouble. */
  isEndPlanned: boolean
  hasEnded: boolean
  /** How it ended, for people. */
  ending: string
  isFatal: boolean
}

const makeProcess = (
  given: Pick<ReplicaProcess, 'incarnation' | 'settings' | 'isChild' | 'identity'>,
  nowMs: number,
  patienceMs: number,
): ReplicaProcess => ({
  ...given,
  startedAtMs: nowMs,
  connectByMs: nowMs + patienceMs,
  connectedAtMs: null,
  endByMs: null,
  isEndPlanned: false,
  hasEnded: false,
  ending: 'ended',
  isFatal: false,
})

/** A process that a run file names. Its end is found in /proc. */
export const adoptProcess = (
  { incarnation, settings, identity }: ReplicaFile,
  nowMs: number,
  patienceMs: number,
): ReplicaProcess =>
  makeProcess({ incarnation, settings, identity, isChild: false }, nowMs, patienceMs)

export interface SpawnOptions {
  /** File that Node runs. */
  readonly entry: string
  readonly settings: ReplicaSettings
  readonly logsPath: string
  readonly nowMs: number
  readonly patienceMs: number
  /** Called once, after this returns, when the process has ended or could not be made. */
  onEnd(): void
}

/**
 * Starts a replica in a session of its own, so that neither Ctrl-C in control's terminal nor the
 * end of control ends it. Its output goes to a file: a pipe would break when control dies.
 */
export const spawnReplica = (options: SpawnOptions): ReplicaProcess => {
  const { entry, settings, logsPath, nowMs, patienceMs, onEnd } = options
  const child = withReplicaLog(logsPath, settings.replica, (log) =>
    spawn(process.execPath, [entry, JSON.stringify(settings)], {
      detached: true,
      stdio: ['ignore', log, log],
    }),
  )
  child.unref()
  const { pid } = child
  const identity =
    pid === undefined ? null : (findIdentity(pid) ?? { pid, startTime: '', bootId: '' })
  const { incarnation } = settings
  const made = makeProcess({ incarnation, settings, identity, isChild: true }, nowMs, patienceMs)
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
    if (pid === undefined) end(`not started: ${error.message}`)
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
