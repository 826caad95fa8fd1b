import { expect, test } from 'vitest'
import { unreadyReasons } from '../../../../src/control/api/unready-reasons.ts'
import type { CatalogVersion } from '../../../../src/control/planning/catalog-version.ts'

const model = (isProving: boolean) => ({
  versions: new Map([[1, { isProving } as CatalogVersion]]),
})

test('unreadyReasons() says what is missing, and nothing when nothing is', () => {
  expect(unreadyReasons(null, new Map(), true)).toEqual(['no epoch yet'])
  expect(unreadyReasons({ unavailable: [] }, new Map(), true)).toEqual([])
  expect(unreadyReasons({ unavailable: [] }, new Map(), false)).toEqual(['no replica serves'])
  const models = new Map([
    ['a', model(true)],
    ['b', model(false)],
  ])
  expect(unreadyReasons({ unavailable: ['a', 'b', 'gone'] }, models, true)).toEqual([
    'a is still being proved',
    'b has no available version',
    'gone has no available version',
  ])
})
