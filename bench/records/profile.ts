/** `--profile`: where the data thread spends its time without records and with them. */

import { MLP_REPOSITORY } from '../fixtures.ts'
import { busiestShares, type ProfiledLoad, profileTable } from '../grpc/profile-table.ts'
import { profileFolder, profilingEnv } from '../measure/profiling.ts'
import { runTrial } from '../measure/trial.ts'
import type { BenchOptions } from '../options.ts'
import { startSluice } from '../servers/sluice.ts'
import { CPU_CONNECTIONS } from './findings.ts'
import { formOf } from './trials.ts'

const WARM_UP_TURNS = 3

const monotonicUs = (): number => Number(process.hrtime.bigint() / 1_000n)

const profile = async (
  name: string,
  durability: 'memory' | 'process' | undefined,
  seconds: number,
): Promise<ProfiledLoad> => {
  const folder = profileFolder(name)
  const server = await startSluice({
    ...{ repository: MLP_REPOSITORY, endpoint: 'mlp', stateDir: null, env: profilingEnv(folder) },
    ...(durability === undefined ? {} : { durability }),
  })
  const turn = { connections: CPU_CONNECTIONS, seconds, perSecond: null, form: formOf(server) }
  for (let i = 0; i < WARM_UP_TURNS; i++) await runTrial(server, turn, 0)
  const fromUs = monotonicUs()
  const { dataCpuUs } = await runTrial(server, turn, 1)
  const span = { fromUs, toUs: monotonicUs() }
  await server.stop()
  return { name, rows: 1, cpuUs: dataCpuUs, shares: busiestShares(folder, span, 'src/runtime') }
}

/** Prints a table; always true: a profile judges nothing. */
export const profileRecords = async ({ seconds }: BenchOptions): Promise<boolean> => {
  const loads = [
    await profile('off', undefined, seconds),
    await profile('memory', 'memory', seconds),
    await profile('process', 'process', seconds),
  ]
  for (const line of profileTable(loads)) console.log(line)
  console.log(`\nwith the profiler's own cost; profiles are in bench/.profiles`)
  return true
}
