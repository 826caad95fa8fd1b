/** What comes of asking replicas to prepare a plan. */

import type { EnvelopeBody } from '../../../proto/control-envelope.ts'
import {
  decodeFailures,
  type EpochPlan,
  type PlannedVersion,
  type PrepareFailure,
} from '../../shared/epoch-plan.ts'

/** What publishing needs of a connected replica. A new object for every connection. */
export interface Preparer {
  readonly index: number
  /** Names one process for ever; for a while a process and its successor have the same index. */
  readonly incarnation: number
  /** It was asked to end, or ends by itself: then its silence is no loss. */
  readonly isLeaving: boolean
  readonly hello: { readonly epoch: bigint; readonly plan: Uint8Array; readonly httpEngine: string }
  readonly link: { call(body: EnvelopeBody, timeoutMs: number): Promise<EnvelopeBody> }
}

/** A replica that died or fell silent while it prepared. */
export interface LostReplica {
  readonly replica: Preparer
  readonly how: 'died' | 'silent'
  /** What it had to load. */
  readonly loading: readonly PlannedVersion[]
}

/** What came of asking replicas to prepare a plan. */
export interface Round {
  readonly plan: EpochPlan
  /** Whether the plan is the present epoch now, or still. */
  readonly isCommitted: boolean
  readonly ready: readonly Preparer[]
  readonly failures: readonly { readonly replica: Preparer; readonly failure: PrepareFailure }[]
  readonly lost: readonly LostReplica[]
}

/** What a replica says of it; `left`: nothing, and that is nobody's fault. */
export type Preparation = 'ready' | 'left' | LostReplica['how'] | readonly PrepareFailure[]

/** Nobody was asked. */
export const EMPTY_ROUND = { isCommitted: false, ready: [], failures: [], lost: [] } as const

export const preparationOf = (answer: EnvelopeBody | 'left' | LostReplica['how']): Preparation => {
  if (typeof answer === 'string') return answer
  if (answer.case !== 'prepared') return 'left'
  try {
    const failures = decodeFailures(answer.value.failures)
    return failures.length === 0 ? 'ready' : failures
  } catch {
    return 'left' // a replica of another release
  }
}
