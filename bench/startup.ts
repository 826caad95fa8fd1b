/** From the spawn of `sluice serve` on the example to readiness, with and without proving cache. */

import { rmSync } from 'node:fs'
import { spreadOf } from './measure/statistics.ts'
import type { BenchOptions } from './options.ts'
import { writeResult } from './result-file.ts'
import { makeStateDir, startSluice } from './servers/sluice.ts'

const EXAMPLE = { repository: 'examples/flight-delay/models', endpoint: 'flight-delay' }
const WANTED_MS = { 'without proving cache': 4_000, 'with proving cache': 1_500 } as const

const readyMs = async (stateDir: string): Promise<number> => {
  const server = await startSluice({ ...EXAMPLE, stateDir })
  await server.stop()
  return server.readyMs
}

/** False when the median of either takes too long. */
export const runStartup = async (options: BenchOptions): Promise<boolean> => {
  const times: Record<keyof typeof WANTED_MS, number[]> = {
    'without proving cache': [],
    'with proving cache': [],
  }
  for (let round = 0; round < options.rounds; round++) {
    const stateDir = makeStateDir()
    try {
      times['without proving cache'].push(await readyMs(stateDir))
      times['with proving cache'].push(await readyMs(stateDir))
    } finally {
      rmSync(stateDir, { recursive: true, force: true })
    }
  }
  let isMet = true
  for (const [how, wantedMs] of Object.entries(WANTED_MS)) {
    const { median, lowest, highest } = spreadOf(times[how as keyof typeof WANTED_MS])
    const isFast = median <= wantedMs
    isMet &&= isFast
    const range = `${lowest.toFixed(0)}-${highest.toFixed(0)}`
    console.log(
      `${isFast ? 'ok    ' : 'FAILED'} ready ${how}: ${median.toFixed(0)} ms (${range}), at most ${wantedMs}`,
    )
  }
  writeResult(options, { wantedMs: WANTED_MS, times })
  return isMet || options.isTiny
}
