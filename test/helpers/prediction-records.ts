/** Records of predictions as plain data. */

import type { PredictionRecord } from '../../src/records/record.ts'

/** An answer to one row, and what is said of it. */
export const predictionRecord = (given: Partial<PredictionRecord> = {}): PredictionRecord => ({
  ...{ predictionId: 'g.0.0-1-1', requestId: null, timeMs: Date.UTC(2026, 0, 2, 3, 4, 5, 6) },
  ...{
    endpoint: 'm',
    model: 'm',
    version: 1,
    variant: 'v1',
    role: 'answer',
    epoch: 3,
    revision: 2,
  },
  ...{ bucket: 17, protocol: 'features', status: 200, code: '', producer: 'g.0.0-1', sequence: 1 },
  ...{ inclusionProbability: 1, traceId: '', latencyMs: 4.387, decodeMs: 0.1, queueMs: 0.2 },
  ...{ computeMs: 3.9, rows: 1, isBatch: false, featuresOmitted: '' },
  instances: [{ features: { x: 1 }, score: 0.1062842607498169, prediction: 0 }],
  feedback: null,
  ...given,
})
