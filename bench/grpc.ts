/**
 * Unary calls over gRPC beside servers that do nothing but answer: a grpc-js echo, and the HTTP/2
 * server of Node below it. Both answer the bytes that Sluice answered, without its metadata. What
 * counts is CPU per call of the thread that answers, in interleaved rounds (see http.ts), and for
 * 64 rows a call what binary tensors by HTTP cost the same gateway.
 */

import { BATCH_CALL_FORM, BINARY_FORM, CALL_FORM } from './fixtures.ts'
import {
  type CallTrial,
  callGatesOf,
  callLinesOf,
  JUDGED,
  remarksOf,
  type Streams,
} from './grpc/findings.ts'
import { runProfiles } from './grpc/profile.ts'
import {
  checkCalls,
  checkCounts,
  runCallTrial,
  type Setting,
  startAll,
  type World,
} from './grpc/world.ts'
import { callTool, closedLoopTool } from './load/run-load.ts'
import { printGates } from './measure/gate.ts'
import { printLines } from './measure/lines.ts'
import { describeCommit, describeMachine } from './measure/machine.ts'
import { isPinned } from './measure/processes.ts'
import type { BenchOptions } from './options.ts'
import { writeResult } from './result-file.ts'
import type { Server } from './servers/server.ts'

const LOADS: readonly Streams[] = [
  JUDGED,
  { connections: 16, streams: 1 },
  { connections: 1, streams: 1 },
]
/** Short trials of what is judged, each round: see JUDGED of http.ts. */
const REPEATS = 6
const REPEATED_SECONDS = 1

const runRounds = async (options: BenchOptions, world: World): Promise<CallTrial[]> => {
  const { sluice, overHttp, grpcJs, http2 } = world
  const again: Server = { ...grpcJs, name: 'grpc-js again' }
  const calls = [grpcJs, sluice, http2, again].map((server) => ({ server, form: CALL_FORM }))
  const batches: readonly Setting[] = [
    ...[grpcJs, sluice].map((server) => ({ server, form: BATCH_CALL_FORM })),
    { server: overHttp, form: BINARY_FORM },
  ]
  const trials: CallTrial[] = []
  for (let round = 1; round <= options.rounds; round++) {
    console.log(`round ${round} of ${options.rounds}`)
    for (const load of options.isTiny ? [JUDGED] : LOADS) {
      const isJudged = load === JUDGED
      const settings = isJudged ? [...calls, ...batches] : calls
      for (const setting of settings) {
        trials.push(await runCallTrial(setting, load, options.seconds, round))
      }
      for (let repeat = 1; isJudged && !options.isTiny && repeat < REPEATS; repeat++) {
        for (const setting of settings) {
          trials.push(await runCallTrial(setting, load, REPEATED_SECONDS, round))
        }
      }
    }
  }
  return trials
}

const printHead = (): void => {
  const { cpu, cores, node, kernel } = describeMachine()
  const pinning = isPinned ? 'servers on core 0, load on core 1' : 'no process is bound to a core'
  console.log(`\n${cores} x ${cpu}, node ${node}, kernel ${kernel}, commit ${describeCommit()}`)
  console.log(`calls by ${callTool}, HTTP by ${closedLoopTool}, ${pinning}`)
  console.log('CPU: microseconds a request, lowest; AxB: A connections with B calls each')
}

const measure = async (options: BenchOptions, servers: Server[]): Promise<boolean> => {
  const world = await startAll(servers)
  const trials = await runRounds(options, world)
  const ours = trials.filter(({ server, streams }) => server === 'sluice' && streams !== null)
  const answered = ours.reduce((sum, { requests }) => sum + requests, world.checked)
  const again = await checkCalls(world.sluice, CALL_FORM)
  await checkCounts(world.overHttp, answered + again.requests)
  const lines = callLinesOf(trials)
  const gates = callGatesOf(trials)
  const remarks = remarksOf(trials)
  printHead()
  printLines(lines)
  for (const remark of remarks) console.log(remark)
  printGates(gates)
  const isServed = trials.every(({ failures }) => failures === 0)
  if (!isServed) console.log('FAILED some calls failed: see the table')
  writeResult(options, { callsBy: callTool, isPinned, gates, remarks, lines, trials })
  return isServed && (options.isTiny || gates.every(({ isMet }) => isMet))
}

/** False when a gate is not met, or a call failed. */
export const runGrpc = async (options: BenchOptions): Promise<boolean> => {
  if (options.isProfile) return runProfiles(options)
  const servers: Server[] = []
  try {
    return await measure(options, servers)
  } finally {
    await Promise.all(servers.map((server) => server.stop()))
  }
}
