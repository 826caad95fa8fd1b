/**
 * Sluice over HTTP beside a bare echo server and FastAPI, in interleaved rounds.
 *
 * What counts is CPU per request relative to the echo's right before and behind (beside.ts): on
 * shared machines both it and throughput vary by a factor of two. Throughput is shown as median and
 * range. The echo is measured twice a round; how far those two differ is what a difference between
 * any two lines means at least.
 */

import {
  BINARY_FORM,
  FEATURES_BODY,
  JSON_HEADERS,
  MLP_FILE,
  MLP_REPOSITORY,
  OIP_FORM,
  type RequestForm,
} from './fixtures.ts'
import { closedLoopTool, runGenerator } from './load/run-load.ts'
import { shareBeside } from './measure/beside.ts'
import { printGates } from './measure/gate.ts'
import { gatesOf, type Line, lineOf, select } from './measure/gates.ts'
import { printLines } from './measure/lines.ts'
import { describeCommit, describeMachine } from './measure/machine.ts'
import { isPinned } from './measure/processes.ts'
import { spreadOf } from './measure/statistics.ts'
import { runTrial, type Trial, type TrialPlan } from './measure/trial.ts'
import type { BenchOptions } from './options.ts'
import { writeResult } from './result-file.ts'
import { startEcho } from './servers/echo.ts'
import { provisionFastapi, startFastapi } from './servers/fastapi.ts'
import type { Server } from './servers/server.ts'
import { startSluice } from './servers/sluice.ts'

const OPEN_CONNECTIONS = 128
/** Arrivals a second that the generator, itself a Node process, keeps up with. */
const OPEN_PER_SECOND_MAX = 10_000
const CONNECTIONS = [128, 16, 1]
/**
 * The CPU ratio is judged at so many connections, from so many short trials a round: a neighbour on
 * the other half of a core doubles the CPU time of one and the same work for seconds, so that only
 * those that stand next to each other can be compared.
 */
const JUDGED = { connections: 128, repeats: 6, seconds: 1 } as const
const CHECK_SECONDS = 1

interface Setting {
  readonly server: Server
  readonly form: RequestForm
}

const usual = (server: Server): Setting => ({
  server,
  form: { path: server.path, body: FEATURES_BODY, headers: JSON_HEADERS, rows: 1 },
})

/** Looks into every answer: status, and ids that never come twice. */
const check = async ({ server, form }: Setting): Promise<void> => {
  const { path, body, headers } = form
  const target = { port: server.port, path, body, headers }
  const plan = { target, connections: 16, seconds: CHECK_SECONDS, perSecond: null }
  const { requests, failures, firstFailure, idsChecked, idsTwice } = await runGenerator(plan)
  const isSluice = server.name === 'sluice'
  if (failures > 0) throw new Error(`${server.name} ${path}: ${failures} failures\n${firstFailure}`)
  if (isSluice && (idsChecked === 0 || idsTwice > 0)) {
    throw new Error(`${path}: of ${idsChecked} prediction ids ${idsTwice} came twice`)
  }
  const ids = isSluice ? `, ${idsChecked} ids all different` : ''
  console.log(`checked ${server.name} ${path}: ${requests} answers, all 200${ids}`)
}

/** What the CPU ratio is made of, and the echo against itself beside it. */
const isJudged = ({ server, form }: Setting): boolean =>
  server.name.startsWith('echo') ||
  (server.name === 'sluice' && (form.path === server.path || form === BINARY_FORM))

const note = ({ server, path, connections, perSecond, dataCpuUs, allCpuUs }: Trial): void => {
  const cpu = `${dataCpuUs.toFixed(2)} us data thread, ${allCpuUs.toFixed(2)} us all`
  console.log(`  ${server} ${path} x${connections}: ${perSecond.toFixed(0)}/s, ${cpu}`)
}

const runRounds = async (
  options: BenchOptions,
  settingsFor: (connections: number) => readonly Setting[],
): Promise<Trial[]> => {
  const trials: Trial[] = []
  const all = options.isTiny ? [16] : CONNECTIONS
  const run = async (setting: Setting, connections: number, seconds: number, round: number) => {
    const { server, form } = setting
    const plan: TrialPlan = { connections, seconds, perSecond: null, form }
    const trial = await runTrial(server, plan, round)
    note(trial)
    trials.push(trial)
  }
  for (let round = 1; round <= options.rounds; round++) {
    console.log(`round ${round} of ${options.rounds}`)
    for (const connections of all) {
      const settings = settingsFor(connections)
      for (const setting of settings) await run(setting, connections, options.seconds, round)
      if (connections !== JUDGED.connections) continue
      const judged = settings.filter(isJudged)
      for (let repeat = 1; repeat < JUDGED.repeats; repeat++) {
        for (const setting of judged) await run(setting, connections, JUDGED.seconds, round)
      }
    }
  }
  return trials
}

const runOpenRounds = async (
  options: BenchOptions,
  settings: readonly Setting[],
  perSecond: number,
): Promise<Trial[]> => {
  const trials: Trial[] = []
  console.log(`open loop, ${perSecond} arrivals/s`)
  for (let round = 1; round <= Math.min(3, options.rounds); round++) {
    for (const { server, form } of settings) {
      const plan = { connections: OPEN_CONNECTIONS, seconds: options.seconds, perSecond, form }
      trials.push(await runTrial(server, plan, round))
    }
  }
  return trials
}

const openRate = (trials: readonly Trial[]): number => {
  const ours = trials.filter(({ server }) => server === 'sluice').map((trial) => trial.perSecond)
  return Math.min(OPEN_PER_SECOND_MAX, Math.round(spreadOf(ours).lowest / 2))
}

/** One line for each server, load and form of request. */
const linesOf = (trials: readonly Trial[]): Line[] => {
  const keys = new Map<string, Trial[]>()
  for (const trial of trials) {
    const load = trial.isOpen ? 'open' : `x${trial.connections}`
    const key = `${load.padEnd(5)} ${trial.server} ${trial.path}`
    keys.set(key, [...(keys.get(key) ?? []), trial])
  }
  return [...keys].map(([what, some]) => lineOf(what, some))
}

/** The echo against itself, two trials a round: what measuring alone makes of equal things. */
const baselineAgainstItself = (trials: readonly Trial[], connections: number): string => {
  const first = select(trials, { server: 'echo', connections })
  const again = select(trials, { server: 'echo again', connections })
  if (first.length === 0 || again.length === 0) return ''
  const closed = trials.filter((trial) => trial.connections === connections && !trial.isOpen)
  const cpu = shareBeside(closed, 'echo again', ['echo'])
  const p99Us = (some: readonly Trial[]) => spreadOf(some.map((trial) => trial.p99Us)).median
  const p99 = p99Us(first) / p99Us(again)
  return `A/A of the echo x${connections}: CPU ${cpu.toFixed(3)}, p99 ${p99.toFixed(2)}`
}

const startPeers = async (options: BenchOptions): Promise<Server[]> => {
  if (options.isTiny) {
    console.log('not run: FastAPI (--tiny)')
    return []
  }
  const reason = provisionFastapi()
  if (reason === null) return [await startFastapi(MLP_FILE)]
  console.log(`not run: FastAPI, ${reason}`)
  return []
}

const measure = async (options: BenchOptions, servers: Server[]): Promise<boolean> => {
  const echo = await startEcho()
  servers.push(echo)
  const sluice = await startSluice({ repository: MLP_REPOSITORY, endpoint: 'mlp', stateDir: null })
  servers.push(sluice)
  const peers = await startPeers(options)
  servers.push(...peers)
  const again: Server = { ...echo, name: 'echo again' }
  const others: Setting[] = [OIP_FORM, BINARY_FORM].map((form) => ({ server: sluice, form }))
  const compared = [echo, sluice, ...peers, again].map(usual)
  const checked = [usual(echo), usual(sluice), ...others, ...peers.map(usual)]
  for (const setting of checked) await check(setting)

  const settingsFor = (connections: number): Setting[] =>
    connections === 128 || options.isTiny ? [...compared, ...others] : compared
  const closed = await runRounds(options, settingsFor)
  const open = await runOpenRounds(options, [echo, sluice, again].map(usual), openRate(closed))
  const trials = [...closed, ...open]
  const lines = linesOf(trials)
  const gates = gatesOf(trials, { usual: sluice.path, binary: BINARY_FORM.path })
  const { cpu, cores, node, kernel } = describeMachine()
  const pinning = isPinned ? 'servers on core 0, load on core 1' : 'no process is bound to a core'
  console.log(`\n${cores} x ${cpu}, node ${node}, kernel ${kernel}, commit ${describeCommit()}`)
  console.log(`closed loops by ${closedLoopTool}, ${pinning}; CPU: microseconds a request, lowest`)
  printLines(lines)
  for (const connections of CONNECTIONS) {
    const line = baselineAgainstItself(trials, connections)
    if (line !== '') console.log(line)
  }
  printGates(gates)
  const isServed = trials.every(({ failures }) => failures === 0)
  if (!isServed) console.log('FAILED some requests failed: see the table')
  writeResult(options, { loadBy: closedLoopTool, isPinned, gates, lines, trials })
  return isServed && (options.isTiny || gates.every(({ isMet }) => isMet))
}

/** False when a gate is not met, or a request failed. */
export const runHttp = async (options: BenchOptions): Promise<boolean> => {
  const servers: Server[] = []
  try {
    return await measure(options, servers)
  } finally {
    await Promise.all(servers.map((server) => server.stop()))
  }
}
