/** Records for tests. */

import type { PredictionRecord } from '../../../src/records/record.ts'

/** An answer to one row, unless told otherwise. */
export const predictionRecord = (given: Partial<PredictionRecord> = {}): PredictionRecord => ({
  predictionId: 'g7q2.1.0-3-1',
  requestId: null,
  timeMs: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
  endpoint: 'flights',
  model: 'flights',
  version: 3,
  variant: 'v3',
  role: 'answer',
  epoch: 12,
  revision: 4,
  bucket: -1,
  protocol: 'features',
  status: 200,
  code: '',
  producer: 'g7q2.1.0-3',
  sequence: 1,
  inclusionProbability: 1,
  traceId: '',
  latencyMs: 1.5,
  decodeMs: 0.25,
  queueMs: 0,
  computeMs: Number.NaN,
  rows: 1,
  isBatch: false,
  featuresOmitted: '',
  instances: [{ features: {}, score: 0.75, prediction: 1 }],
  feedback: null,
  ...given,
})
