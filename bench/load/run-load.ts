/** Runs load with the tool that fits: wrk for closed loops if installed, else our generator. */

import { fileURLToPath } from 'node:url'
import { type Core, firstJsonLine, start } from '../measure/processes.ts'
import type { CallPlan, CallResult } from './call-plan.ts'
import type { CancellingPlan, CancellingResult } from './cancelling-plan.ts'
import { hasH2load, runH2load } from './h2load.ts'
import { BEGUN, type GeneratorResult, type LoadPlan, type LoadResult } from './load.ts'
import type { OpenPlan, OpenResult } from './open-plan.ts'
import { COUNTING, type ReconnectingPlan, type ReconnectingResult } from './reconnecting-plan.ts'
import { hasWrk, runWrk } from './wrk.ts'

const GENERATOR = fileURLToPath(new URL('./generator.ts', import.meta.url))

const OPEN_LOOP = fileURLToPath(new URL('./open-loop.ts', import.meta.url))
const CALLS = fileURLToPath(new URL('./calls.ts', import.meta.url))
const CANCELLING = fileURLToPath(new URL('./cancelling.ts', import.meta.url))
const RECONNECTING = fileURLToPath(new URL('./reconnecting.ts', import.meta.url))

export const closedLoopTool = hasWrk() ? 'wrk' : 'bench/load/generator.ts'

export const callTool = hasH2load() ? 'h2load' : 'bench/load/calls.ts'

export interface RunningLoad {
  readonly begun: Promise<void>
  readonly result: Promise<GeneratorResult>
  end(): void
}

/** The generator looks into every answer, which wrk does not. `plan`: a closed loop. */
export const startGenerator = (plan: LoadPlan, core: Core = 'load'): RunningLoad => {
  const child = start([process.execPath, GENERATOR, JSON.stringify(plan)], { core })
  const result = firstJsonLine(child) as Promise<unknown> as Promise<GeneratorResult>
  const begun = new Promise<void>((resolve) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      if (chunk.toString().startsWith(BEGUN)) resolve()
    })
  })
  return {
    begun: Promise.race([begun, result.then(() => {})]),
    result,
    end: () => void child.kill('SIGTERM'),
  }
}

export const runGenerator = (plan: LoadPlan): Promise<GeneratorResult> =>
  startGenerator(plan).result

export const runLoad = (plan: LoadPlan): Promise<LoadResult> =>
  plan.perSecond === null && closedLoopTool === 'wrk' ? runWrk(plan) : runGenerator(plan)

/**
 * A closed loop by several generators, each with its part of the connections and bound to no core,
 * where one cannot ask fast enough. Quantiles are those of the slowest of them.
 */
export const runSpread = async (plan: LoadPlan, count: number): Promise<LoadResult> => {
  const own = { ...plan, connections: Math.ceil(plan.connections / count) }
  const all = await Promise.all(
    Array.from({ length: count }, () => startGenerator(own, 'any').result),
  )
  const sum = (of: (result: LoadResult) => number) => all.reduce((n, each) => n + of(each), 0)
  const most = (of: (result: LoadResult) => number) => Math.max(...all.map(of))
  return {
    requests: sum(({ requests }) => requests),
    seconds: most(({ seconds }) => seconds),
    failures: sum(({ failures }) => failures),
    badAnswers: sum(({ badAnswers }) => badAnswers),
    latencyUs: {
      p50: most(({ latencyUs }) => latencyUs.p50),
      p99: most(({ latencyUs }) => latencyUs.p99),
      highest: most(({ latencyUs }) => latencyUs.highest),
    },
  }
}

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

/** Calls over gRPC by the generator that looks into every answer, as h2load does not. */
export const runCallGenerator = async (plan: CallPlan): Promise<CallResult> =>
  (await runFed(CALLS, plan)) as CallResult

export const runCalls = (plan: CallPlan): Promise<LoadResult> =>
  callTool === 'h2load' ? runH2load(plan) : runCallGenerator(plan)
