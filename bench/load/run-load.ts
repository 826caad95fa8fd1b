/** Runs load with the tool that fits: wrk for closed loops if installed, else our generator. */

import { fileURLToPath } from 'node:url'
import { firstJsonLine, start } from '../measure/processes.ts'
import type { GeneratorResult } from './generator.ts'
import type { LoadPlan, LoadResult } from './load.ts'
import { hasWrk, runWrk } from './wrk.ts'

const GENERATOR = fileURLToPath(new URL('./generator.ts', import.meta.url))

export const closedLoopTool = hasWrk() ? 'wrk' : 'bench/load/generator.ts'

/** The generator looks into every answer, which wrk does not. */
export const runGenerator = async (plan: LoadPlan): Promise<GeneratorResult> => {
  const child = start([process.execPath, GENERATOR, JSON.stringify(plan)], { core: 'load' })
  return (await firstJsonLine(child)) as unknown as GeneratorResult
}

export const runLoad = (plan: LoadPlan): Promise<LoadResult> =>
  plan.perSecond === null && closedLoopTool === 'wrk' ? runWrk(plan) : runGenerator(plan)
