import { expect, test } from 'vitest'
import { foreignError } from '../../../src/control/log-fields.ts'
import { GatewayError } from '../../../src/shared/errors.ts'

test('foreignError() keeps the stack of what nobody expected, and of nothing else', () => {
  const error = new TypeError('no')
  expect(foreignError(error)).toEqual({ error })
  expect(foreignError(new GatewayError('STATE_UNWRITABLE', 'full'))).toEqual({})
})
