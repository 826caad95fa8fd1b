/** Runs load with the tool that fits: wrk for closed loops if installed, else our generator. */

import { fileURLToPath } from 'node:url'
import { firstJsonLine, start } from '../measure/processes.ts'
import type { CancellingPlan, CancellingResult } from './cancelling-plan.ts'
import type { GeneratorResult } from './generator.ts'
import type { LoadPlan, LoadResult } from './load.ts'
import type { OpenPlan, OpenResult } from './open-plan.ts'
import { COUNTING, type ReconnectingPlan, type ReconnectingResult } from './reconnecting-plan.ts'
import { hasWrk, runWrk } from './wrk.ts'

const GENERATOR = fileURLToPath(new URL('./generator.ts', import.meta.url))

const OPEN_LOOP = fileURLToPath(new URL('./open-loop.ts', import.meta.url))
const CANCELLING = fileURLToPath(new URL('./cancelling.ts', import.meta.url))
const RECONNECTING = fileURLToPath(new URL('./reconnecting.ts', import.meta.url))

export const closedLoopTool = hasWrk() ? 'wrk' : 'bench/load/generator.ts'

/** The generator looks into every answer, which wrk does not. */
export const runGenerator = async (plan: LoadPlan): Promise<GeneratorResult> => {
  const child = start([process.execPath, GENERATOR, JSON.stringify(plan)], { core: 'load' })
  return (await firstJsonLine(child)) as unknown as GeneratorResult
}

export const runLoad = (plan: LoadPlan): Promise<LoadResult> =>
  plan.perSecond === null && closedLoopTool === 'wrk' ? runWrk(plan) : runGenerator(plan)

const runFed = async (
  program: string,
  plan: object,
  onOutput: (text: string) => void = () => {},
): Promise<unknown> => {
  const child = start([process.execPath, program], { core: 'load', isFed: true })
  child.stdout?.on('data', (chunk: Buffer) => onOutput(chunk.toString()))
  const result = firstJsonLine(child)
  child.stdin?.end(JSON.stringify(plan))
  return result
}

export const runOpenLoop = async (plan: OpenPlan): Promise<OpenResult> =>
  (await runFed(OPEN_LOOP, plan)) as OpenResult

/** `onCounting`: everything counts from now on. */
export const runReconnecting = async (
  plan: ReconnectingPlan,
  onCounting: () => void = () => {},
): Promise<ReconnectingResult> => {
  const onOutput = (text: string) => {
    if (text.startsWith(COUNTING)) onCounting()
  }
  return (await runFed(RECONNECTING, plan, onOutput)) as ReconnectingResult
}

export const runCancelling = async (plan: CancellingPlan): Promise<CancellingResult> =>
  (await runFed(CANCELLING, plan)) as CancellingResult
