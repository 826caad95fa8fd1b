/** How a data thread comes by the sessions of versions: its own, or those of compute threads. */

import { Batcher } from '../runtime/batcher.ts'
import type { Turns } from '../runtime/batcher-policy.ts'
import { CostModel } from '../runtime/cost-model.ts'
import { loadProven } from '../runtime/load-proven.ts'
import { ThreadWork } from '../runtime/thread-work.ts'
import { warmUp } from '../runtime/warm-up.ts'
import type { ServerLimits } from '../shared/epoch-plan.ts'
import { EXACT_US_MIN, markRuns, type RunMark } from '../shared/run-marks.ts'
import type { Account } from './account.ts'
import type { Infer } from './infer.ts'
import type { LoadVersion } from './live-version.ts'
import type { Pending } from './pending.ts'
import { KEPT_VALUES_MAX } from './protocols/answer-size.ts'
import { termPolicies } from './queue-terms.ts'
import type { ThreadPools } from './thread-pools.ts'

export interface SessionParts {
  readonly limits: Pick<ServerLimits, 'queueRowsMax' | 'queueWorkMsMax'>
  readonly account: Account
  readonly pools: ThreadPools
  readonly mark: RunMark
  readonly turns: Turns
  handlersFor: Infer['handlersFor']
}

export const sessionLoader = (parts: SessionParts): LoadVersion => {
  const { account, pools, mark, turns, handlersFor } = parts
  const work = new ThreadWork()
  return (planned, number) => {
    if (planned.placement.kind === 'pooled') return pools.session(number)
    account.loading(number)
    const session = loadProven(planned.provenFile, planned.provenSha256, planned.session)
    warmUp(session, planned)
    const surroundings = { session, cost: new CostModel(planned.runUsByRows), work, turns }
    return {
      open: ({ batching, queue, runUsByRows }) => {
        const { queueRowsMax, queueWorkMsMax } = parts.limits
        const limits = { queueRowsMax, queueWorkMsMax, keptValuesMax: KEPT_VALUES_MAX }
        const isLong = (runUsByRows[0]?.[1] ?? 0) >= EXACT_US_MIN
        const handlers = markRuns(handlersFor(number), mark, number, isLong)
        const policy = { ...batching, ...limits, queue }
        const batcher = new Batcher<Pending>(surroundings, policy, handlers)
        return { queue: batcher, policies: termPolicies(queue), dispose: () => batcher.dispose() }
      },
      dispose: () => session.dispose(),
    }
  }
}
