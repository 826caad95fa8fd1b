/**
 * The calls of clients that a replica has put to control: so many at a time, each for so long. A
 * call costs control the same whichever replica asks, and control must always have time for its
 * replicas: so the bound is small, and what exceeds it is refused and does not wait.
 */

import { create } from '@bufbuild/protobuf'
import type { EnvelopeBody } from '../../proto/control-envelope.ts'
import { ForwardedCallSchema } from '../../proto/gen/control_pb.ts'
import type { Clock } from '../shared/clock.ts'
import { ERRORS, type ErrorCode, refuse } from '../shared/errors.ts'
import type { CallKind, ForwardedAnswer, ForwardedCall } from '../shared/forwarded-call.ts'

/** Calls under way in one replica, beside loads. */
export const CALLS_MAX = 16
/** Control answers within 200 ms: what takes longer is a control that hangs or has gone. */
export const CALL_MS_MAX = 2000

/** Loads and unloads under way: they wait for something, and must not keep others from asking. */
export const LOADS_MAX = 256
/** A model may take minutes to be proved and loaded. */
export const LOAD_MS_MAX = 600_000

const isLoad = (kind: CallKind): boolean => kind === 'model_load' || kind === 'model_unload'

const ABSENT = refuse(
  'CONTROL_UNREACHABLE',
  'Control does not answer, and it alone knows this; predictions go on without it',
)

const busy = (calls: number) =>
  refuse('CONTROL_BUSY', `${calls} calls to control are under way; try again`)

/** Of a newer release, whose codes may be others: then what it says is of no use. */
const isKnown = (code: string): code is ErrorCode => Object.hasOwn(ERRORS, code)

const answerOf = (body: EnvelopeBody): ForwardedAnswer => {
  if (body.case !== 'forwardedAnswer') return ABSENT
  const { code, detail, body: bytes } = body.value
  if (code === '') return new TextDecoder().decode(bytes)
  return isKnown(code) ? refuse(code, detail) : ABSENT
}

/** Asks control; rejects without a link, when it closes, or when `timeoutMs` have passed. */
type CallControl = (body: EnvelopeBody, timeoutMs: number) => Promise<EnvelopeBody>

/** Puts a call to control. Does not reject: what goes wrong is the refusal of the client. */
export type Forward = (call: ForwardedCall) => Promise<ForwardedAnswer>

/** The one way of a replica to put calls to control, with its count of those under way. */
export const forwardBy = (callControl: CallControl, clock: Pick<Clock, 'now'>): Forward => {
  const quick = { underWay: 0, callsMax: CALLS_MAX, msMax: CALL_MS_MAX }
  const slow = { underWay: 0, callsMax: LOADS_MAX, msMax: LOAD_MS_MAX }
  return async ({ kind, payload }) => {
    const group = isLoad(kind) ? slow : quick
    const { callsMax, msMax } = group
    if (group.underWay === callsMax) return busy(callsMax)
    const value = create(ForwardedCallSchema, {
      kind,
      payload: new TextEncoder().encode(payload),
      untilMs: BigInt(Math.ceil(clock.now() + msMax)),
    })
    group.underWay++
    try {
      return answerOf(await callControl({ case: 'forwardedCall', value }, msMax))
    } catch {
      return ABSENT
    } finally {
      group.underWay--
    }
  }
}
