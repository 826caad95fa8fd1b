/**
 * The shipper as control has it: one at a time, started anew when it ends, killed when it says
 * nothing any more. Records are in the spool meanwhile.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import {
  SHIPPER_FOLDER,
  SHIPPER_PROCESS_FILE,
  SHIPPER_PROCESS_FORMAT,
  type ShipperFigures,
  type ShipperSettings,
  type ToShipper,
} from '../../records/shipping/shipper-messages.ts'
import { type Clock, delay, every } from '../../shared/clock.ts'
import type { Logger } from '../../shared/logger.ts'
import { findIdentity, isAlive, type ProcessIdentity } from '../../shared/process-identity.ts'
import { readStateFile, writeStateFile } from '../../shared/state-file.ts'
import { lowerPriority } from '../proving/low-priority.ts'
import { Backoff } from '../replicas/backoff.ts'

export interface ShipperOptions {
  /** File that Node runs. */
  readonly entry: string
  readonly settings: ShipperSettings
  readonly clock: Clock
  readonly logger: Logger
  /** Called with each of its messages: what has ended is told once. */
  onFigures(figures: ShipperFigures): void
}

/** Between two looks. */
const LOOK_MS = 250
/** Since it was last heard: a disk may be slow for long, and killing it mends no disk. */
const SILENT_MS_MAX = 120_000
/** The shipper of a control that has gone ends by itself, in this time at most. */
const FORMER_MS_MAX = 25_000
const KILLED_MS = 2000
/**
 * A third of a busy thread's share: under full load it falls behind for a while, and the spool
 * has room for that; with less it would never catch up.
 */
const NICENESS = 5

/** The process that its file names; null: none, or one that has gone. */
export const formerShipper = (stateDir: string): ProcessIdentity | null => {
  const path = join(stateDir, SHIPPER_FOLDER, SHIPPER_PROCESS_FILE)
  let fields: Readonly<Record<string, unknown>> | null
  try {
    fields = readStateFile(path, 'shipper/process.json', SHIPPER_PROCESS_FORMAT)
  } catch {
    return null // it is written anew by the next one
  }
  const { pid, startTime, bootId } = fields ?? {}
  if (typeof pid !== 'number' || typeof startTime !== 'string' || typeof bootId !== 'string') {
    return null
  }
  const identity = { pid, startTime, bootId }
  return isAlive(identity) ? identity : null
}

/**
 * Names a shipper that was just started, before it is told what to ship: without settings it does
 * nothing, so whenever control dies, the next one knows of every shipper that does something.
 *
 * @throws GatewayError STATE_UNWRITABLE; what the file system does
 */
const nameShipper = (stateDir: string, pid: number): void => {
  const folder = join(stateDir, SHIPPER_FOLDER)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  // null: it has ended already.
  const identity = findIdentity(pid) ?? { pid, startTime: '', bootId: '' }
  writeStateFile(join(folder, SHIPPER_PROCESS_FILE), SHIPPER_PROCESS_FORMAT, identity)
}

const killIdentity = (identity: ProcessIdentity): void => {
  try {
    if (isAlive(identity)) process.kill(identity.pid, 'SIGKILL')
  } catch {
    // ended between the two calls
  }
}

/** What no other process sends, unless a person means it. */
const FAULT_SIGNALS = ['SIGSEGV', 'SIGABRT', 'SIGBUS', 'SIGILL', 'SIGTRAP']

/** Whether a process that ended so has itself to blame, or what it was at. */
export const isOwnFault = (code: number | null, signal: string | null): boolean =>
  signal === null ? code !== 0 : FAULT_SIGNALS.includes(signal)

export class ShipperProcess {
  readonly #options: ShipperOptions
  readonly #backoff = new Backoff()
  readonly #endLooking: () => void
  #child: ChildProcess | null = null
  /** Monotonic ms: of its start, and of the last message of any. */
  #startedMs = 0
  #heardMs: number
  /** It is left alone from then on for so long as it may be silent. */
  #patientSinceMs = 0
  #isLowered = true
  #figures: ShipperFigures | null = null
  /** It is no child of ours; it is waited for. */
  #former: ProcessIdentity | null
  readonly #formerByMs: number
  #isStopped = false
  #restarts = 0
  /** Of the last one that ended by a fault of its own. */
  #failedPid: number | null = null
  readonly #ended: (() => void)[] = []

  constructor(options: ShipperOptions) {
    this.#options = options
    const { clock, settings } = options
    this.#former = formerShipper(settings.stateDir)
    this.#heardMs = clock.monotonic()
    this.#formerByMs = this.#heardMs + FORMER_MS_MAX
    this.#look()
    this.#endLooking = every(clock, LOOK_MS, () => this.#look())
  }

  /** What it said last, also one that has ended since; null before anything was said. */
  get figures(): ShipperFigures | null {
    return this.#figures
  }

  /** Milliseconds since it was last heard, or another one before it. */
  get silentMs(): number {
    return this.#options.clock.monotonic() - this.#heardMs
  }

  get isRunning(): boolean {
    return this.#child !== null
  }

  /** Times that another one had to be started. */
  get restarts(): number {
    return this.#restarts
  }

  /**
   * Lets it ship what is in the spool, for `drainMs` at most, and ends it. Replicas should have
   * ended before. What is left is shipped at the next start.
   */
  async stop(drainMs: number): Promise<void> {
    this.#isStopped = true
    this.#endLooking()
    const child = this.#child
    if (child === null) return
    const { clock } = this.#options
    const ended = new Promise<void>((resolve) => this.#ended.push(resolve))
    const message: ToShipper = { type: 'drain', drainMs }
    child.send(message, () => {})
    await Promise.race([ended, delay(clock, drainMs + KILLED_MS)])
    if (this.#child === null) return
    child.kill('SIGKILL')
    await Promise.race([ended, delay(clock, KILLED_MS)])
  }

  #look(): void {
    const nowMs = this.#options.clock.monotonic()
    if (this.#isStopped || this.#isHeldUp(nowMs)) return
    const child = this.#child
    if (child === null) {
      if (nowMs >= this.#backoff.startAtMs) this.#start(nowMs)
      return
    }
    if (!this.#isLowered && child.pid !== undefined)
      this.#isLowered = lowerPriority(child.pid, NICENESS)
    if (nowMs - this.#patientSinceMs <= SILENT_MS_MAX) return
    const { logger } = this.#options
    logger.error({ event: 'shipper_silent', pid: child.pid }, 'the shipper is killed: it hangs')
    child.kill('SIGKILL')
    this.#patientSinceMs = nowMs
  }

  /** Whether the shipper of an earlier control is still at it: never are there two. */
  #isHeldUp(nowMs: number): boolean {
    if (this.#former === null) return false
    if (!isAlive(this.#former)) {
      this.#former = null
      return false
    }
    if (nowMs > this.#formerByMs) killIdentity(this.#former)
    return true
  }

  #start(nowMs: number): void {
    const { entry, settings } = this.#options
    this.#startedMs = nowMs
    this.#patientSinceMs = nowMs
    this.#isLowered = false
    let child: ChildProcess
    try {
      // Ctrl-C in the terminal of control is not for it: it ends when control says so, or is gone.
      // The folder is named for those who look for its processes.
      child = spawn(process.execPath, ['--max-semi-space-size=8', entry, settings.stateDir], {
        detached: true,
        stdio: ['pipe', 'ignore', 'inherit', 'ipc'],
      })
    } catch (thrown) {
      this.#onEnd(`not started (${(thrown as NodeJS.ErrnoException).code ?? 'unknown'})`)
      return
    }
    this.#child = child
    child.stdin?.on('error', () => {})
    child.on('message', (message) => this.#hear(message as ShipperFigures))
    child.on('error', (error) => {
      if (child.pid === undefined) this.#end(child, `not started (${codeOf(error)})`)
    })
    child.once('exit', (code, signal) => {
      if (isOwnFault(code, signal)) this.#failedPid = child.pid ?? null
      this.#end(child, signal === null ? `exit code ${code}` : `signal ${signal}`)
    })
    if (child.pid !== undefined) this.#instruct(child, child.pid)
  }

  #instruct(child: ChildProcess, pid: number): void {
    const { settings, logger } = this.#options
    try {
      nameShipper(settings.stateDir, pid)
      const told: ShipperSettings = { ...settings, failedPid: this.#failedPid }
      child.stdin?.end(JSON.stringify(told))
      logger.info({ event: 'shipper_started', pid }, 'the shipper was started')
    } catch (error) {
      logger.error({ event: 'shipper_unnamed', error }, 'the shipper cannot be started')
      child.kill('SIGKILL')
    }
  }

  #hear(figures: ShipperFigures): void {
    this.#heardMs = this.#options.clock.monotonic()
    this.#patientSinceMs = this.#heardMs
    this.#figures = figures
    this.#options.onFigures(figures)
  }

  #end(child: ChildProcess, ending: string): void {
    if (this.#child === child) this.#onEnd(ending)
  }

  #onEnd(ending: string): void {
    const { clock, logger } = this.#options
    const nowMs = clock.monotonic()
    this.#child = null
    for (const resolve of this.#ended.splice(0)) resolve()
    if (this.#isStopped) return
    this.#restarts++
    this.#backoff.noteEnd(false, nowMs - this.#startedMs, nowMs)
    const waitMs = Math.round(this.#backoff.startAtMs - nowMs)
    logger.error(
      { event: 'shipper_ended', ending, waitMs },
      `the shipper has ended; records wait in the spool, another one starts in ${waitMs} ms`,
    )
  }
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? 'unknown'
