/** Bodies of `/feedback` as a target. */

import { isDeepStrictEqual } from 'node:util'
import { readFeedback } from '../../../src/server/feedback/feedback-request.ts'
import { isRefusal } from '../../../src/shared/errors.ts'
import { isPredictionId } from '../../../src/shared/ids.ts'
import { expectClear } from '../decoder-agreement.ts'
import { type Input, inputFrom, type Target, type Verdict } from './harness.ts'
import { jsonBytes } from './json.ts'

const ID = 'k3x9ab.1.0-7-42'
export const FEEDBACK_MESSAGES: readonly unknown[] = [
  { prediction_id: ID, label: 1 },
  { request_id: ID, label: 'late', row: 0, observed_at: '2023-11-14T22:13:20Z', endpoint: 'm' },
  { request_id: 'a b', label: [true, null, -0.5], row: null, prediction_id: null },
  [
    { prediction_id: ID, label: 1 },
    { prediction_id: ID, label: ['a', 'b'] },
    { request_id: 'r', label: false, row: 7 },
  ],
]

const DEPTH_MAX = 20
const NOW_MS = Date.UTC(2026, 10, 27)

type Item = Readonly<Record<string, unknown>>

/** What an item stands for that is known to be right. */
const meant = (item: Item, at: string): unknown => {
  const { prediction_id: predictionId = null, request_id: requestId = null } = item
  const { observed_at: observedAt, row, label, endpoint } = item
  const ofPredictionId = predictionId ?? (isPredictionId(String(requestId)) ? requestId : null)
  const observedAtMs = typeof observedAt === 'string' ? Date.parse(observedAt) : NOW_MS
  const feedback = { ofPredictionId, ofRequestId: requestId, row: row ?? -1, label, observedAtMs }
  return { feedback, endpoint: endpoint ?? null, at }
}

const BYTES_OF_LABEL = 16

const check =
  (read: typeof readFeedback) =>
  ({ bytes }: Input): Verdict => {
    const found = read(bytes, DEPTH_MAX, NOW_MS)
    const again = read(bytes, DEPTH_MAX, NOW_MS)
    if (!isDeepStrictEqual(found, again)) {
      return { fault: 'two verdicts', isTaken: false, grownBytes: 0 }
    }
    if (isRefusal(found)) {
      expectClear(found, bytes)
      return { fault: null, isTaken: false, grownBytes: 0 }
    }
    const body: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    const wanted = Array.isArray(body)
      ? body.map((item, i) => meant(item, `/${i}`))
      : [meant(body as Item, '')]
    const labels = found.flatMap(({ feedback }) => feedback.label)
    const fault = isDeepStrictEqual(found, wanted) ? null : `read as ${JSON.stringify(found)}`
    return { fault, isTaken: true, grownBytes: labels.length * BYTES_OF_LABEL }
  }

export const FEEDBACK_TARGET: Target = {
  name: 'feedback JSON',
  make: (seed) => inputFrom(seed, (random) => jsonBytes(random, FEEDBACK_MESSAGES)),
  check: check(readFeedback),
  canary: check((body, ...rest) => {
    JSON.parse(Buffer.from(body).toString()) // what is no JSON throws
    return readFeedback(body, ...rest)
  }),
}
