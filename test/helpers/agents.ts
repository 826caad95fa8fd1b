/** An agent over puppet threads, with a clock of its own and notes of what it did. */

import { Agent } from '../../src/server/agent.ts'
import type { Forward } from '../../src/server/agent-calls.ts'
import type { EpochPlan, ReplicaSettings } from '../../src/shared/epoch-plan.ts'
import { refuse } from '../../src/shared/errors.ts'
import { createLogger } from '../../src/shared/logger.ts'
import { FakeClock, settle } from './fake-clock.ts'
import { type PuppetComputeThread, puppetComputeThreads } from './puppet-compute.ts'
import { type PuppetSpoolThread, puppetSpoolThreads } from './puppet-spool.ts'
import { type PuppetThread, puppetThreads } from './puppet-threads.ts'
import { replicaSettings } from './replica-settings.ts'

export interface AgentWorld {
  readonly agent: Agent
  readonly clock: FakeClock
  readonly threads: readonly PuppetThread[]
  /** Started with the first pooled version. */
  readonly computeThreads: readonly PuppetComputeThread[]
  /** Where records are on: the spool thread, and those that came in its place. */
  readonly spoolThreads: readonly PuppetSpoolThread[]
  /** `event: detail` of every report. */
  readonly reports: readonly string[]
  /** `code reason` of every exit. */
  readonly exits: readonly string[]
  /** Prepares and commits a plan, every thread being willing. */
  serve(plan: EpochPlan): Promise<void>
}

export const makeAgent = ({
  forward = async () => refuse('CONTROL_UNREACHABLE', 'no control here'),
  ...given
}: Partial<ReplicaSettings> & { forward?: Forward } = {}): AgentWorld => {
  const { threads, startThread } = puppetThreads()
  const { computeThreads, startComputeThread } = puppetComputeThreads()
  const { spoolThreads, startSpoolThread } = puppetSpoolThreads()
  const clock = new FakeClock()
  const reports: string[] = []
  const exits: string[] = []
  const agent = new Agent({
    settings: replicaSettings(given),
    clock,
    logger: createLogger({ level: 'silent', component: 'test' }),
    startThread,
    ...{ startComputeThread, startSpoolThread },
    report: (event, detail) => reports.push(`${event}: ${detail}`),
    forward,
    exit: (code, reason) => exits.push(`${code} ${reason}`),
  })
  const serve = async (plan: EpochPlan) => {
    const prepared = agent.prepare(plan)
    for (const thread of threads) thread.prepared()
    await prepared
    const committed = agent.commit(plan.epoch)
    await settle()
    for (const thread of threads) if (thread.tolds('listen').length > 0) thread.listening()
    await committed
  }
  return { agent, clock, threads, computeThreads, spoolThreads, reports, exits, serve }
}
