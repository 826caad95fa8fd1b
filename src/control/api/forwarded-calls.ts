/** Answers what replicas ask on behalf of clients, with what `call-answers.ts` has to say. */

import { create } from '@bufbuild/protobuf'
import {
  type ForwardedAnswer as AnswerMessage,
  ForwardedAnswerSchema,
  type ForwardedCall,
} from '../../../proto/gen/control_pb.ts'
import type { Clock } from '../../shared/clock.ts'
import { refuse } from '../../shared/errors.ts'
import type { CallKind, CallPayloads, ForwardedAnswer } from '../../shared/forwarded-call.ts'
import type { Logger } from '../../shared/logger.ts'

export type CallAnswers = {
  readonly [Kind in CallKind]: (
    payload: CallPayloads[Kind],
  ) => ForwardedAnswer | Promise<ForwardedAnswer>
}

const UNKNOWN = refuse('NOT_IMPLEMENTED', 'Control is of a release that does not have this call')

const TOO_LATE = refuse('CONTROL_UNREACHABLE', 'Control came to it too late')

const INTERNAL = refuse('INTERNAL', 'Internal error')

interface Surroundings {
  readonly clock: Clock
  readonly logger: Logger
}

const answerOf = async (
  answers: CallAnswers,
  { kind, payload, untilMs }: ForwardedCall,
  { clock, logger }: Surroundings,
): Promise<ForwardedAnswer> => {
  if (untilMs > 0n && clock.now() > Number(untilMs)) return TOO_LATE
  if (!Object.hasOwn(answers, kind)) return UNKNOWN
  try {
    return await answers[kind as CallKind](JSON.parse(new TextDecoder().decode(payload)))
  } catch (error) {
    logger.error({ event: 'call_fault', kind, error }, 'a call of a client met a fault')
    return INTERNAL
  }
}

/**
 * Does not reject: what a source of answers throws is logged, and the client gets INTERNAL. Nothing
 * is made for a call that nobody waits for any more, as those are that a busy control finds.
 */
export const answerCall = async (
  answers: CallAnswers,
  call: ForwardedCall,
  surroundings: Surroundings,
): Promise<AnswerMessage> => {
  const answer = await answerOf(answers, call, surroundings)
  if (typeof answer === 'string') {
    return create(ForwardedAnswerSchema, { body: new TextEncoder().encode(answer) })
  }
  const { code, detail } = answer
  return create(ForwardedAnswerSchema, { code, detail })
}
