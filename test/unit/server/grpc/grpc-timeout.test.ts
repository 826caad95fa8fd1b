import { expect, test } from 'vitest'
import { grantedMs } from '../../../../src/server/grpc/grpc-timeout.ts'

test.each([
  ['', Number.POSITIVE_INFINITY],
  ['2H', 7_200_000],
  ['3M', 180_000],
  ['15S', 15_000],
  ['250m', 250],
  ['1500u', 1.5],
  ['99999999n', 99.999999],
  ['0m', 0],
  ['99999999H', 1e11],
])('grantedMs() %j is %d ms', (sent, ms) => {
  expect(grantedMs(sent)).toBeCloseTo(ms, 9)
})

test.each(['1', 'm', '-1m', '1.5S', '123456789m', '1 m', '1s', '1m, 2m', 'x'.repeat(10_000)])(
  'grantedMs() refuses %j',
  (sent) => {
    const refusal = grantedMs(sent)
    expect(refusal).toMatchObject({ code: 'REQUEST_MALFORMED' })
    expect((refusal as { detail: string }).detail.length).toBeLessThan(150)
  },
)
