/** Answers what replicas ask on behalf of clients: one line a kind of call. */

import { create } from '@bufbuild/protobuf'
import {
  type ForwardedAnswer,
  ForwardedAnswerSchema,
  type ForwardedCall,
} from '../../proto/gen/control_pb.ts'
import { isRefusal, type Refusal, refuse } from '../shared/errors.ts'
import type { CallKind, CallPayloads } from '../shared/forwarded-call.ts'
import type { Logger } from '../shared/logger.ts'

/** The body of an answer, before it is JSON, or why there is none. */
type Answer = object | Refusal

export type CallAnswers = {
  readonly [Kind in CallKind]: (payload: CallPayloads[Kind]) => Answer | Promise<Answer>
}

const UNKNOWN = refuse('NOT_IMPLEMENTED', 'Control is of a release that does not have this call')

const INTERNAL = refuse('INTERNAL', 'Internal error')

const answerOf = async (
  answers: CallAnswers,
  { kind, payload }: ForwardedCall,
  logger: Logger,
): Promise<Answer> => {
  if (!Object.hasOwn(answers, kind)) return UNKNOWN
  try {
    return await answers[kind as CallKind](JSON.parse(new TextDecoder().decode(payload)))
  } catch (error) {
    logger.error({ event: 'call_fault', kind, error }, 'a call of a client met a fault')
    return INTERNAL
  }
}

/** Does not reject: what a source of answers throws is logged, and the client gets INTERNAL. */
export const answerCall = async (
  answers: CallAnswers,
  call: ForwardedCall,
  logger: Logger,
): Promise<ForwardedAnswer> => {
  const answer = await answerOf(answers, call, logger)
  if (isRefusal(answer)) {
    const { code, detail } = answer
    return create(ForwardedAnswerSchema, { code, detail })
  }
  const body = new TextEncoder().encode(JSON.stringify(answer))
  return create(ForwardedAnswerSchema, { body })
}
