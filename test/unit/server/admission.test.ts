import { expect, test } from 'vitest'
import { admitBody, admitRows } from '../../../src/server/admission.ts'

test.each(['', 'identity', 'Identity', 'IDENTITY'])('admitBody() takes the encoding %j', (name) => {
  expect(admitBody(name)).toBeNull()
})

test.each(['gzip', 'identity, gzip', 'br', ' ', 'identity;q=1'])(
  'admitBody() refuses the encoding %j',
  (name) => {
    expect(admitBody(name)).toMatchObject({ code: 'ENCODING_UNSUPPORTED' })
  },
)

test.each([
  [0, 1, 10, true],
  [0, 10, 10, true],
  [0, 11, 10, true], // could never be served otherwise
  [1, 9, 10, true],
  [1, 10, 10, false],
  [10, 1, 10, false],
  [9, 1, 10, true],
  [20, 0, 10, false],
])('admitRows() with %i waiting, %i more and at most %i: %s', (queued, rows, most, isAdmitted) => {
  const refusal = admitRows(queued, rows, most)
  if (isAdmitted) expect(refusal).toBeNull()
  else {
    expect(refusal).toEqual({
      code: 'QUEUE_FULL',
      detail: `${queued} rows are waiting; the limit is ${most}`,
    })
  }
})
