/**
 * What ends `sluice serve` or has it read again. Loaded before everything else: what serves takes a
 * moment to load, and a signal that comes meanwhile must neither kill it nor be lost.
 */

import { closeSync, openSync } from 'node:fs'
import { coalesced, systemClock } from '../shared/clock.ts'

/** A terminal's Ctrl-C may arrive twice at once, where a parent passes it on as well. */
const SAME_PRESS_MS = 300
/**
 * Between two reloads, which read files without a pause. libuv calls the handlers of all signals
 * that have come in one go: with a reload of 13 ms in each, a flood of them held up every timer.
 */
const RELOAD_PERIOD_MS = 100

export interface ServeSignals {
  /** Resolves with the first signal to end. */
  readonly ended: Promise<NodeJS.Signals>
  readonly hasEnded: boolean
  /** Has SIGHUP do `task` soon, once for all that come meanwhile; also when one came before. */
  onReload(task: () => void): void
  /** Has Ctrl-C do `task` once the end has begun; other signals are ignored then. */
  onHurry(task: () => void): void
}

/** Opening the controlling terminal fails (ENXIO) once it has hung up. */
const isTerminalGone = (): boolean => {
  try {
    closeSync(openSync('/dev/tty', 'r+'))
    return false
  } catch {
    return true
  }
}

/** From now on SIGINT, SIGTERM and SIGHUP do what `ServeSignals` says. */
export const listenForSignals = (): ServeSignals => {
  const { promise: ended, resolve } = Promise.withResolvers<NodeJS.Signals>()
  // A detached replica would survive the terminal; with the terminal gone, nobody could stop it.
  const hadTerminal = process.stdin.isTTY
  let endedMs: number | null = null
  let isReloadWanted = false
  let reload = (): void => {
    isReloadWanted = true
  }
  let hurry = () => {}
  const end = (name: NodeJS.Signals): void => {
    endedMs = systemClock.monotonic()
    resolve(name)
  }
  process.on('SIGTERM', () => {
    if (endedMs === null) end('SIGTERM')
  })
  process.on('SIGINT', () => {
    if (endedMs === null) end('SIGINT')
    else if (systemClock.monotonic() - endedMs > SAME_PRESS_MS) hurry()
  })
  process.on('SIGHUP', () => {
    if (endedMs !== null) return
    if (hadTerminal && isTerminalGone()) end('SIGHUP')
    else reload()
  })
  return {
    ended,
    get hasEnded() {
      return endedMs !== null
    },
    onReload: (task) => {
      reload = coalesced(systemClock, RELOAD_PERIOD_MS, () => {
        if (endedMs === null) task()
      })
      if (isReloadWanted) reload()
    },
    onHurry: (task) => {
      hurry = task
    },
  }
}
