/**
 * What writing every prediction down costs: one and the same gateway without records, and with
 * them by each durability, in turn with the bare echo; CPU of the data thread, of the spool thread
 * and of all processes for a request, and throughput.
 */

import { FEATURES_BODY, JSON_HEADERS, MLP_REPOSITORY } from './fixtures.ts'
import { closedLoopTool, runGenerator } from './load/run-load.ts'
import { shareBeside } from './measure/beside.ts'
import { printGates } from './measure/gate.ts'
import { describeCommit, describeMachine } from './measure/machine.ts'
import { isPinned } from './measure/processes.ts'
import type { Spread } from './measure/statistics.ts'
import type { BenchOptions } from './options.ts'
import {
  CONNECTIONS,
  CPU_CONNECTIONS,
  moreUs,
  pairedShares,
  type RecordsLine,
  recordGatesOf,
  recordLinesOf,
} from './records/findings.ts'
import { profileRecords } from './records/profile.ts'
import { type RecordsTrial, runTurn } from './records/trials.ts'
import { writeResult } from './result-file.ts'
import { startEcho } from './servers/echo.ts'
import type { Server } from './servers/server.ts'
import { startSluice } from './servers/sluice.ts'

const DURABILITIES = ['memory', 'process', 'power'] as const
/** In one round, of the servers whose CPU is judged, one after the other (beside.ts). */
const REPEATS = 4
const CHECK_SECONDS = 1
const CHECK_SECONDS_TINY = 0.3
const CONNECTIONS_TINY = [16]

/** Looks into every answer, and has what runs for the first time compiled. */
const check = async (server: Server, isTiny: boolean): Promise<void> => {
  const seconds = isTiny ? CHECK_SECONDS_TINY : CHECK_SECONDS
  const target = {
    port: server.port,
    path: server.path,
    ...{ body: FEATURES_BODY, headers: JSON_HEADERS },
  }
  for (const connections of isTiny ? CONNECTIONS_TINY : CONNECTIONS) {
    const plan = { target, connections, seconds, perSecond: null }
    const { failures, firstFailure, idsTwice } = await runGenerator(plan)
    if (failures > 0) throw new Error(`${server.name}: ${failures} failures\n${firstFailure}`)
    if (idsTwice > 0) throw new Error(`${server.name}: ${idsTwice} prediction ids came twice`)
  }
}

const startAll = async (servers: Server[], isTiny: boolean): Promise<void> => {
  const shared = { repository: MLP_REPOSITORY, endpoint: 'mlp', stateDir: null }
  servers.push(await startEcho())
  servers.push({ ...(await startSluice(shared)), name: 'off' })
  for (const durability of DURABILITIES) {
    servers.push({ ...(await startSluice({ ...shared, durability })), name: durability })
  }
  servers.push({ ...servers[0]!, name: 'echo again' })
  for (const server of servers) await check(server, isTiny)
}

const note = ({ server, connections, ...trial }: RecordsTrial): void => {
  const { perSecond, dataCpuUs, spoolCpuUs, settledCpuUs } = trial
  const spool = Number.isNaN(spoolCpuUs) ? '' : `, spool ${spoolCpuUs.toFixed(2)}`
  const cpu = `data ${dataCpuUs.toFixed(2)}${spool}, all ${settledCpuUs.toFixed(2)} us`
  console.log(`  ${server} x${connections}: ${perSecond.toFixed(0)}/s; ${cpu}`)
}

const runRounds = async (
  options: BenchOptions,
  servers: readonly Server[],
): Promise<RecordsTrial[]> => {
  const { rounds, seconds, isTiny } = options
  const trials: RecordsTrial[] = []
  for (let round = 1; round <= rounds; round++) {
    console.log(`round ${round} of ${rounds}`)
    for (const connections of isTiny ? CONNECTIONS_TINY : CONNECTIONS) {
      const repeats = connections === CPU_CONNECTIONS ? REPEATS : 1
      for (let repeat = 0; repeat < repeats; repeat++) {
        for (const server of servers) {
          const trial = await runTurn(server, { connections, seconds, round })
          note(trial)
          trials.push(trial)
        }
      }
    }
  }
  return trials
}

const range = ({ lowest, median, highest }: Spread, digits: number): string =>
  Number.isNaN(median)
    ? '-'
    : `${lowest.toFixed(digits)} (${median.toFixed(digits)}-${highest.toFixed(digits)})`

const printLines = (lines: readonly RecordsLine[]): void => {
  const row = (cells: readonly string[]) =>
    console.log(cells.map((cell, i) => (i === 0 ? cell.padEnd(18) : cell.padStart(25))).join(''))
  row(['', 'k req/s (range)', 'CPU data', 'CPU spool', 'CPU all', 'p99 us (range)'])
  for (const { what, perSecond, dataCpuUs, spoolCpuUs, settledCpuUs, p99Us } of lines) {
    const [median, lowest, highest] = [perSecond.median, perSecond.lowest, perSecond.highest].map(
      (each) => (each / 1000).toFixed(1),
    )
    row([
      what,
      `${median} (${lowest}-${highest})`,
      range(dataCpuUs, 2),
      range(spoolCpuUs, 2),
      range(settledCpuUs, 2),
      `${p99Us.median.toFixed(0)} (${p99Us.lowest.toFixed(0)}-${p99Us.highest.toFixed(0)})`,
    ])
  }
}

const printShares = (trials: readonly RecordsTrial[]): void => {
  for (const connections of CONNECTIONS) {
    for (const name of ['process', 'power']) {
      const shares = pairedShares(trials, [name, 'memory'], connections)
      if (shares.length === 0) continue
      const all = shares.map((share) => share.toFixed(3)).join(' ')
      console.log(`throughput of ${name} / memory x${connections}, by round: ${all}`)
    }
  }
  const judged = trials.filter(({ connections }) => connections === CPU_CONNECTIONS)
  if (judged.length === 0) return
  const again = shareBeside(judged, 'echo again', ['echo'])
  console.log(`A/A of the echo's CPU: ${again.toFixed(3)}`)
  for (const name of ['off', ...DURABILITIES]) {
    const share = shareBeside(judged, name)
    const more = name === 'off' ? '' : `, ${moreUs(judged, name).toFixed(2)} us more than off`
    console.log(`CPU of the echo / of the data thread, ${name}: ${share.toFixed(3)}${more}`)
  }
}

/** False when a number of bench/README.md is missed, or a request failed. */
export const runRecords = async (options: BenchOptions): Promise<boolean> => {
  if (options.isProfile) return profileRecords(options)
  const servers: Server[] = []
  try {
    await startAll(servers, options.isTiny)
    const trials = await runRounds(options, servers)
    const { cpu, cores, node, kernel } = describeMachine()
    const place = isPinned ? 'servers on core 0, load on core 1' : 'no process is bound to a core'
    console.log(`\n${cores} x ${cpu}, node ${node}, kernel ${kernel}, commit ${describeCommit()}`)
    console.log(`closed loops by ${closedLoopTool}, ${place}; CPU in us: lowest (median-highest)`)
    const lines = recordLinesOf(trials)
    printLines(lines)
    printShares(trials)
    const gates = recordGatesOf(trials)
    printGates(gates)
    const isServed = trials.every(({ failures }) => failures === 0)
    if (!isServed) console.log('FAILED some requests failed')
    writeResult(options, { loadBy: closedLoopTool, isPinned, gates, lines, trials })
    return isServed && (options.isTiny || gates.every(({ isMet }) => isMet))
  } finally {
    await Promise.all(servers.map((server) => server.stop()))
  }
}
