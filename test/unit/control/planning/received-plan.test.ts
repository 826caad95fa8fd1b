import { expect, test } from 'vitest'
import { readPlan } from '../../../../src/control/planning/received-plan.ts'
import { type EpochPlan, encodeJson } from '../../../../src/shared/epoch-plan.ts'
import { INLINE } from '../../../../src/shared/placement.ts'
import { DEFAULT_QUEUE } from '../../../../src/shared/queue-policy.ts'
import { UNRECORDED } from '../../../../src/shared/record-policy.ts'
import { DEFAULT_SESSION } from '../../../../src/shared/session-settings.ts'

const PLAN: EpochPlan = {
  ...{ epoch: 7, unavailable: ['b'], defaultEndpoint: 'a' },
  versions: [
    {
      ...{ model: 'a', version: 1, digest: 'd', provenFile: 'f', provenSha256: 's' },
      signature: { inputs: [], outputs: [] },
      manifest: {
        digest: 'd',
        task: 'other',
        features: [
          {
            ...{ name: 'f', type: 'number', tensor: 'x', column: 0, optional: true },
            missing: Number.NaN,
          },
        ],
      },
      batching: { rowsMax: 1, mixesRequests: false, preferredRows: [], queueDelayUsMax: 0 },
      exampleRow: null,
      session: { ...DEFAULT_SESSION, intraOpThreads: 2 },
      queue: DEFAULT_QUEUE,
      placement: INLINE,
      runUsByRows: [],
      warmups: [],
      warmupFiles: {},
    },
  ],
  endpoints: [
    {
      ...{ name: 'a', model: 'a', revision: 1, salt: 'a', bucketRuns: [[10_000, 0]] },
      contract: { features: [], tensors: [] },
      variants: [{ name: 'v1', version: 1, weightBp: 10_000 }],
      records: UNRECORDED,
    },
  ],
}

test('readPlan() reads what a replica was told, missing values too', () => {
  expect(readPlan(encodeJson(PLAN))).toEqual(PLAN)
})

test('readPlan() gives versions of a release without session settings the default', () => {
  const versions = PLAN.versions.map(({ session: _, ...version }) => version)
  const bytes = new TextEncoder().encode(JSON.stringify({ ...PLAN, versions }))
  expect(readPlan(bytes)?.versions.map(({ session }) => session)).toEqual([DEFAULT_SESSION])
})

test.each([
  ['nothing', ''],
  ['no JSON', 'garbage'],
  ['null', 'null'],
  ['no plan', '{}'],
  ['a plan without lists', '{"epoch":7,"versions":1,"endpoints":[],"unavailable":[]}'],
  ['a plan without a number', '{"epoch":0,"versions":[],"endpoints":[],"unavailable":[]}'],
  ['a torn endpoint', '{"epoch":7,"versions":[],"endpoints":[{}],"unavailable":[]}'],
  ['a torn version', '{"epoch":7,"versions":[{}],"endpoints":[],"unavailable":[]}'],
])('readPlan() takes %s for none', (_, text) => {
  expect(readPlan(new TextEncoder().encode(text))).toBeNull()
})
