import { expect, test } from 'vitest'
import { decodeRequest } from '../../../../../src/server/protocols/features/features-json.ts'
import type { VariantPlan } from '../../../../../src/server/protocols/variant-plan.ts'
import { EXTRAS_MAX } from '../../../../../src/shared/feature-extras.ts'
import {
  type DecodeOptions,
  decodeWith,
  feature,
  flightPlan,
  planOf,
  tensor,
} from '../../../../helpers/variant-plans.ts'

const flight = flightPlan()
const VALID = { origin: 'EWR', seats: 149, gust: 12.5, is_late: true }

const decode = (plan: VariantPlan, body: object, options?: DecodeOptions) =>
  decodeWith(decodeRequest, plan, JSON.stringify(body), options)

test.each([
  ['a positional row', { features: ['EWR', 149, null, null] }, [0]],
  ['a named row', { features: { origin: 'EWR', seats: 1 } }, [0]],
  ['instances', { instances: [VALID, { ...VALID, is_late: null }, ['a', 1, 2, null]] }, [1, 2]],
  ['a row with an escape', { features: ['é', 149, null, null] }, [0]],
])('decodeRequest() notes what was missing in %s, where NaN does not say it', (_, body, rows) => {
  const isLate = 3
  expect(decode(flight, body, { row: 2 }).decoded.extras).toMatchObject({
    rows,
    features: rows.map(() => isLate),
    texts: rows.map(() => null),
    isCut: false,
  })
})

const coded = planOf({
  inputs: [tensor('x', 'FP32', -1, 1)],
  features: [
    feature({
      ...{ name: 'day', type: 'category', tensor: 'x', column: 0, vocabulary: ['Mon', 'Tue'] },
      ...{ optional: true, missing: 0 },
    }),
  ],
})

test('decodeRequest() notes the text of a category that has no code', () => {
  const instances = [['Mon'], ['Wed'], { day: 'é' }, {}, ['Tue']]
  const { decoded, values } = decode(coded, { instances }, { row: 1, room: 5 })
  expect(values).toEqual([[0, -1, -1, 0, 1]])
  expect(decoded.extras).toMatchObject({
    ...{ rows: [1, 2, 3], features: [0, 0, 0], texts: ['Wed', 'é', null] },
  })
  expect(decode(coded, { instances: [['Mon'], ['Tue']] }).decoded.extras).toBeNull()
})

test('decodeRequest() keeps no notes of a request that has too many', () => {
  const few = { instances: new Array(EXTRAS_MAX).fill({}) }
  expect(decode(coded, few).decoded.extras).toMatchObject({ isCut: false })
  const many = { instances: new Array(EXTRAS_MAX + 1).fill({}) }
  expect(decode(coded, many).decoded.extras).toMatchObject({ rows: [], isCut: true })
})
