import { expect, test } from 'vitest'
import { type AccessPlan, decodeAccess, encodeAccess } from '../../../src/shared/access-plan.ts'

test('decodeAccess() gives what encodeAccess() was given', () => {
  const rate = { perSecond: 0.5, burst: 3 }
  const plan: AccessPlan = {
    keys: [{ name: 'a', sha256: 'f'.repeat(64), endpoints: ['m'], priority: 2, rate }],
    tls: { certificate: 'c\n', privateKey: 'k\n', minVersion: 'TLSv1.3', clientCa: 'ca\n' },
  }
  expect(decodeAccess(encodeAccess(plan))).toEqual(plan)
  expect(decodeAccess(encodeAccess({ keys: [], tls: null }))).toEqual({ keys: [], tls: null })
})

test('decodeAccess() reads what a control of a release without gRPC says', () => {
  const tls = { certificate: 'c\n', privateKey: 'k\n', minVersion: 'TLSv1.2' }
  const bytes = new TextEncoder().encode(JSON.stringify({ keys: [], tls }))
  expect(decodeAccess(bytes)).toEqual({ keys: [], tls: { ...tls, clientCa: null } })
})
