/** The shipper, as control starts it, over a spool that is full; until it has shipped all of it. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type {
  ShipperFigures,
  ShipperSettings,
} from '../../src/records/shipping/shipper-messages.ts'
import { entryPath } from '../../src/shared/threads.ts'
import { spentNs } from '../measure/cpu.ts'
import { peakMbOf } from '../measure/measured.ts'
import { atExit } from '../measure/processes.ts'
import { threadsOf } from '../servers/server.ts'

export interface ShippingTerms {
  readonly stateDir: string
  /** Of the Parquet files. */
  readonly path: string
  readonly gateway: string
  /** That lie in the spool. */
  readonly records: number
}

export interface Shipped {
  readonly perSecond: number
  readonly seconds: number
  /** CPU of the process, microseconds a record. */
  readonly cpuUs: number
  /** Most resident memory. */
  readonly peakMb: number
  /** Of Parquet. */
  readonly bytes: number
  readonly files: number
}

/** As control has them, by the defaults of the config. */
const settingsOf = ({ stateDir, path, gateway }: ShippingTerms): ShipperSettings => ({
  ...{ stateDir, path, gateway, spoolFolder: join(stateDir, 'spool'), logLevel: 'info' },
  limits: { rowsMax: 200_000, bytesMax: 64 * 1024 * 1024, ageMsMax: 60_000 },
  retention: { bytesMax: 0, daysMax: 0 },
  failedPid: null,
})

/**
 * Resolves when it has taken so many records of one row, committed or not: the last of them would
 * wait a minute for company.
 */
const untilTaken = (child: ChildProcess, records: number): Promise<void> =>
  new Promise((resolve, reject) => {
    child.on('message', ({ sinks }: ShipperFigures) => {
      if (sinks.every((sink) => sink.records + sink.heldRows >= records)) resolve()
    })
    child.once('exit', (code) => reject(new Error(`The shipper ended with ${code}`)))
  })

const sizesOf = (path: string): number[] =>
  readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.parquet'))
    .map((name) => statSync(join(path, name)).size)

export const shipBacklog = async (terms: ShippingTerms): Promise<Shipped> => {
  const { stateDir, path, records } = terms
  const startMs = performance.now()
  const command = ['--max-semi-space-size=8', entryPath('records/shipper.ts'), stateDir]
  const child = spawn(process.execPath, command, {
    stdio: ['pipe', 'inherit', 'inherit', 'ipc'],
  })
  atExit(() => child.kill('SIGKILL'))
  const pid = child.pid ?? 0
  child.stdin?.end(JSON.stringify(settingsOf(terms)))
  await untilTaken(child, records)
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  let [threads, peakMb] = [threadsOf([pid]), peakMbOf(pid)]
  const timer = setInterval(() => {
    const now = threadsOf([pid])
    if (now.size > 0) threads = now
    peakMb = Math.max(peakMb, peakMbOf(pid))
  }, 5)
  const [code] = (await ended) as [number | null]
  clearInterval(timer)
  if (code !== 0) throw new Error(`The shipper ended with ${code}`)
  const seconds = (performance.now() - startMs) / 1000
  const sizes = sizesOf(path)
  return {
    ...{ seconds, peakMb, files: sizes.length, perSecond: records / seconds },
    cpuUs: spentNs(new Map(), threads) / 1000 / records,
    bytes: sizes.reduce((sum, size) => sum + size, 0),
  }
}
