/**
 * Process root of the shipper: brings records from the spool of all replicas, dead ones too, into
 * sinks. A child of control and no part of the way of a request: slow, away or dead, it holds up
 * nobody; what it has not committed lies in the spool and is shipped by the next one.
 *
 * Reads ShipperSettings as JSON from stdin; sends ShipperFigures, and ends in order when it is told
 * to drain, by SIGTERM, and when control has gone.
 */

import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isTemporaryFile } from '../shared/atomic-file.ts'
import { pause, systemClock } from '../shared/clock.ts'
import { type StateLock, takeLock } from '../shared/lock.ts'
import { createLogger, type Logger, outliveOutput } from '../shared/logger.ts'
import { isAlive } from '../shared/process-identity.ts'
import { FileSink } from './file-sink.ts'
import { readAccountFile } from './files/account-files.ts'
import { ensureRoot } from './files/unfinished.ts'
import { Lane } from './shipping/lane.ts'
import { ShipperLoop } from './shipping/shipper-loop.ts'
import {
  SHIPPER_FOLDER,
  type ShipperFigures,
  type ShipperSettings,
  sinkStateFile,
  type ToShipper,
} from './shipping/shipper-messages.ts'
import { Shipping } from './shipping/shipping.ts'
import { systemFiles } from './spool/file-calls.ts'

/** When nobody says how long it may take. */
const DRAIN_MS = 20_000
/** Faults that are told one by one in an hour; of a disk that fails there would be no end. */
const FAULTS_MAX = 1000
const HOUR_MS = 3_600_000

/**
 * Whoever started another one, and whatever became of its name: two would write over each other's
 * files, and each would delete what the other has not shipped.
 */
const lockFolder = (folder: string, logger: Logger): StateLock => {
  const locks = join(folder, 'lock')
  ensureRoot(systemFiles, locks)
  // Control has the lock of the state folder: what names nobody here holds up nobody.
  const lock = takeLock(locks, {
    onNobody: (name, detail) =>
      logger.error({ event: 'shipper_lock_stale', name, detail }, 'a lock of nobody is taken over'),
  })
  // Of one that was killed while it wrote them.
  for (const written of [folder, locks]) {
    for (const name of readdirSync(written)) {
      if (isTemporaryFile(name)) rmSync(join(written, name), { force: true })
    }
  }
  return lock
}

/** One of the first to go when the machine runs out of memory: nothing is lost with it. */
const volunteerForOom = (): void => {
  try {
    writeFileSync('/proc/self/oom_score_adj', '500')
  } catch {} // not Linux
}

/** Tells every fault once an hour. */
const faultLog = (logger: Logger) => {
  const told = new Set<string>()
  let sinceMs = systemClock.monotonic()
  return (where: string, thrown: unknown): void => {
    const text = thrown instanceof Error ? thrown.message : String(thrown)
    const nowMs = systemClock.monotonic()
    if (nowMs - sinceMs >= HOUR_MS) {
      told.clear()
      sinceMs = nowMs
    }
    if (told.size >= FAULTS_MAX || told.has(where + text)) return
    told.add(where + text)
    logger.error({ event: 'shipper_fault', where }, `records are held up or lost: ${text}`)
  }
}

const compose = (settings: ShipperSettings, logger: Logger, breathe: () => Promise<void>) => {
  const { stateDir, spoolFolder, path, gateway, limits, retention, failedPid } = settings
  const files = systemFiles
  const onFault = faultLog(logger)
  const sink = new FileSink({ files, root: path, gateway, retention, onFault, breathe })
  const lane = new Lane({
    ...{ files, folder: spoolFolder, sink, limits, isAlive, onFault, breathe },
    statePath: join(stateDir, SHIPPER_FOLDER, sinkStateFile(sink.name)),
    findAccount: (producer) => readAccountFile(files, path, producer),
    lives: { pid: process.pid, failedPid },
    now: systemClock.now,
    monotonic: systemClock.monotonic,
  })
  const shipping = new Shipping({
    ...{ files, folder: spoolFolder, lanes: [lane], onFault, daysMax: retention.daysMax },
    monotonic: systemClock.monotonic,
  })
  const figures = (): ShipperFigures => {
    const { totals, shipped } = lane.committed
    const { rows, duplicates, quarantined } = totals
    const { committedMs, isKnown } = lane
    const { segments } = shipping
    const own = { ...shipped, rows, duplicates, quarantined, committedMs, isKnown }
    const waiting = {
      heldRows: sink.held.rows,
      unshippedBytes: lane.committed.unshippedBytes(segments),
    }
    return {
      type: 'figures',
      sinks: [{ name: sink.name, ...own, ...waiting }],
      spoolBytes: segments.reduce((sum, { bytes }) => sum + bytes, 0),
      spoolSegments: segments.length,
      failures: shipping.failures,
      isSpoolAway: shipping.isAway,
    }
  }
  /** What is in the pipe is read by control, or there is none any more that could ask for it. */
  const onSent = ({ sinks }: ShipperFigures): void => {
    for (const told of sinks) lane.committed.noteTold(told)
  }
  return { shipping, figures, onSent }
}

const main = async (): Promise<void> => {
  const text = readFileSync(0, 'utf8')
  // Control has gone before it has said anything.
  if (text === '') return
  const settings = JSON.parse(text) as ShipperSettings
  outliveOutput()
  volunteerForOom()
  const logger = createLogger({ level: settings.logLevel, component: 'shipper' })
  let lock: StateLock
  try {
    lock = lockFolder(join(settings.stateDir, SHIPPER_FOLDER), logger)
  } catch (error) {
    const told =
      'another shipper is at work here, or this folder is a copy of one in which there is (then ' +
      'delete shipper/lock in it), or the lock cannot be taken: this one ends'
    logger.fatal({ event: 'shipper_locked', error }, told)
    process.exitCode = 1
    if (process.connected) process.disconnect()
    return
  }
  const { shipping, figures, onSent } = compose(settings, logger, () => loop.breathe())
  const report = () => {
    if (!process.connected) return
    const told = figures()
    process.send?.(told, (error: Error | null) => {
      if (error === null) onSent(told)
    })
  }
  // Timers of `systemClock` keep nothing alive; a process without IPC would end at the first.
  const clock = { ...systemClock, setTimer: livelyTimer }
  const loop = new ShipperLoop({ shipping, clock, report })
  process.on('message', ({ type, drainMs }: ToShipper) => {
    if (type === 'drain') loop.drain(drainMs)
  })
  process.once('disconnect', () => loop.drain(DRAIN_MS))
  // Control had gone before anybody listened; undefined: there was none.
  if (process.connected === false) loop.drain(DRAIN_MS)
  process.on('SIGTERM', () => loop.drain(DRAIN_MS))
  let isInOrder = false
  try {
    const isAll = await loop.run()
    isInOrder = true
    report()
    if (!isAll) logger.warn({ event: 'shipper_not_drained' }, 'records are left in the spool')
  } catch (error) {
    logger.fatal({ event: 'shipper_failed', error }, 'another shipper has to go on')
    process.exitCode = 1
  } finally {
    shipping.close(isInOrder)
    lock.release()
    if (process.connected) process.disconnect()
  }
}

const livelyTimer = (delayMs: number, task: () => void): (() => void) => {
  void pause(delayMs).then(task)
  return () => {}
}

await main()
