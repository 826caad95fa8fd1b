import { expect, test } from 'vitest'
import { PlanFaults } from '../../../../src/control/planning/plan-faults.ts'
import { refuse } from '../../../../src/shared/errors.ts'
import { createLogger } from '../../../../src/shared/logger.ts'

test('take() says what the default endpoint names, and which versions are unbound, until they are not', () => {
  const faults = new PlanFaults(createLogger({ level: 'silent', component: 'test' }))
  const body = { versions: [], endpoints: [], unavailable: [], defaultEndpoint: null }
  const { detail } = refuse('BINDING_FAILED', 'it lacks an input')
  const unbound = [{ model: 'a', version: 1, code: 'BINDING_FAILED', detail }] as const
  faults.take({ body, unbound }, 'b')
  expect(faults.warnings()).toEqual(["default_endpoint 'b' names no endpoint"])
  expect(faults.unbound).toEqual(unbound)
  faults.take({ body, unbound: [] }, null)
  expect([faults.warnings(), faults.unbound]).toEqual([[], []])
})
