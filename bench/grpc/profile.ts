/** `--profile`: where the thread that answers spends its time, server beside server. */

import { BATCH_CALL_FORM, BINARY_FORM, CALL_FORM, type RequestForm } from '../fixtures.ts'
import { profileFolder, profilingEnv } from '../measure/profiling.ts'
import type { BenchOptions } from '../options.ts'
import { writeResult } from '../result-file.ts'
import { startGrpcPeer } from '../servers/grpc-peer.ts'
import type { Server } from '../servers/server.ts'
import { JUDGED } from './findings.ts'
import { busiestShares, type ProfiledLoad, profileTable } from './profile-table.ts'
import {
  answersBy,
  checkCalls,
  overGrpc,
  runCallTrial,
  type Setting,
  startGateway,
} from './world.ts'

interface Asked {
  readonly name: string
  readonly server: Server
  readonly form: RequestForm
}

const WARM_UP_REQUESTS = 30_000
const WARM_UP_TRIALS_MAX = 10

const monotonicUs = (): number => Number(process.hrtime.bigint() / 1_000n)

/** Until the code is compiled that they run, or too much time has gone. */
const warmUp = async (setting: Setting, seconds: number): Promise<void> => {
  let requests = 0
  for (let trial = 0; trial < WARM_UP_TRIALS_MAX && requests < WARM_UP_REQUESTS; trial++) {
    requests += (await runCallTrial(setting, JUDGED, seconds, 0)).requests
  }
}

/** Runs the loads, stops their server, and reads what it wrote as it ended. */
const profile = async (
  asked: readonly Asked[],
  folder: string,
  seconds: number,
): Promise<ProfiledLoad[]> => {
  const runs = []
  for (const { name, server, form } of asked) {
    await warmUp({ server, form }, seconds)
    const fromUs = monotonicUs()
    const { dataCpuUs } = await runCallTrial({ server, form }, JUDGED, seconds, 1)
    const span = { fromUs, toUs: monotonicUs() }
    runs.push({ name, rows: form.rows, cpuUs: dataCpuUs, span })
  }
  await asked[0]!.server.stop()
  return runs.map(({ span, ...run }) => ({ ...run, shares: busiestShares(folder, span) }))
}

/** Prints a table of one-row calls and one of batches; always true: a profile judges nothing. */
export const runProfiles = async (options: BenchOptions): Promise<boolean> => {
  const { seconds } = options
  const folder = profileFolder('sluice')
  const gateway = await startGateway(profilingEnv(folder))
  const sluice = overGrpc(gateway)
  const one = await checkCalls(sluice, CALL_FORM)
  const batch = await checkCalls(sluice, BATCH_CALL_FORM)
  const loads = await profile(
    [
      { name: 'sluice', server: sluice, form: CALL_FORM },
      { name: 'sluice', server: sluice, form: BATCH_CALL_FORM },
      { name: 'its HTTP', server: gateway, form: BINARY_FORM },
    ],
    folder,
    seconds,
  )
  for (const kind of ['grpc-js', 'http2'] as const) {
    const own = profileFolder(kind)
    const answers = answersBy(one, batch)
    const env = profilingEnv(own)
    const server = await startGrpcPeer({ kind, answers, path: CALL_FORM.path, env })
    await checkCalls(server, CALL_FORM)
    const asked = [CALL_FORM, BATCH_CALL_FORM].map((form) => ({ name: kind, server, form }))
    loads.push(...(await profile(asked, own, seconds)))
  }
  for (const rows of [CALL_FORM.rows, BATCH_CALL_FORM.rows]) {
    const some = loads.filter((load) => load.rows === rows)
    console.log(`\n${rows === 1 ? 'one row' : `${rows} rows`} a call, with the profiler's own cost`)
    for (const line of profileTable(some)) console.log(line)
  }
  console.log(`\nprofiles are in bench/.profiles`)
  const written = loads.map(({ shares, ...load }) => ({
    ...load,
    shares: Object.fromEntries(shares),
  }))
  writeResult(options, { loads: written })
  return true
}
