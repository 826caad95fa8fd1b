/**
 * The body of `POST /feedback`: one item, or a list of them. All of it is read before anything is
 * recorded, and a refusal names the faults of several items.
 */

import { isRefusal, type Refusal, refuse } from '../../shared/errors.ts'
import { findFault } from '../json/grammar.ts'
import { JsonReader } from '../json/json-reader.ts'
import { pointer } from '../json/pointer.ts'
import { type FeedbackDraft, faultOf, ItemReader, locate } from './feedback-item.ts'

/** To check more would hold up the predictions of the thread. */
export const FEEDBACK_BYTES_MAX = 256 * 1024
export const FEEDBACK_ITEMS_MAX = 1000

/** Most items whose faults one refusal names. */
const FAULTS_MAX = 16

/** One refusal for all: the code of the first. */
const join = (refusals: readonly Refusal[], isAll: boolean): Refusal => {
  const [first] = refusals as [Refusal]
  if (refusals.length === 1) return first
  const errors = refusals.flatMap((each) => each.errors ?? [])
  const more = `${refusals.length - 1}${isAll ? '' : ' or'} more`
  return refuse(first.code, `${first.detail} (and ${more})`, errors)
}

const readList = (reader: JsonReader, nowMs: number): FeedbackDraft[] | Refusal => {
  const items = new ItemReader(reader, nowMs)
  const drafts: FeedbackDraft[] = []
  const refusals: Refusal[] = []
  let count = 0
  for (let more = reader.open(); more; more = reader.more()) {
    if (count === FEEDBACK_ITEMS_MAX) {
      return faultOf(`A request may have ${count} items, got ${count + reader.skipRest()}`, '')
    }
    const from = reader.at
    const item = items.read(pointer(count))
    if (isRefusal(item)) refusals.push(locate(item, pointer(count)))
    else drafts.push(item)
    if (refusals.length === FAULTS_MAX) return join(refusals, false)
    reader.at = from
    reader.skip()
    count++
  }
  if (count === 0) return faultOf('The list has no item', '')
  return refusals.length === 0 ? drafts : join(refusals, true)
}

/** The items of a body. `nowMs`: wall clock, when it arrived. */
export const readFeedback = (
  body: Uint8Array,
  jsonDepthMax: number,
  nowMs: number,
): FeedbackDraft[] | Refusal => {
  if (body.length > FEEDBACK_BYTES_MAX) {
    return refuse('BODY_TOO_LARGE', `The body may have ${FEEDBACK_BYTES_MAX} bytes here`)
  }
  const fault = findFault(body, jsonDepthMax)
  if (fault !== null) return fault
  const reader = new JsonReader(body)
  if (reader.isList) return readList(reader, nowMs)
  const item = new ItemReader(reader, nowMs).read('')
  return isRefusal(item) ? locate(item, '') : [item]
}
