/** What the platform itself costs for the same data: for scale beside our own cases. */

import { FEATURES_BODY } from '../fixtures.ts'
import type { MicroCase } from '../measure/micro-case.ts'

const bytes = new TextEncoder().encode(FEATURES_BODY)

export const yardsticks: readonly MicroCase[] = [
  {
    name: 'yardstick: JSON.parse of 30 floats, from bytes',
    setup: () => {
      const decoder = new TextDecoder()
      return () => (JSON.parse(decoder.decode(bytes)) as { features: number[] }).features[29]!
    },
  },
  {
    name: 'yardstick: JSON.stringify of one prediction',
    setup: () => {
      let i = 0
      return () => {
        const metadata = { request_id: `r${i++}`, model: 'mlp', version: '1', latency_ms: 0.25 }
        return JSON.stringify({ score: 0.8472107, prediction: 1, metadata }).length
      }
    },
  },
]
