import { openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { PlanFaults } from '../../../../src/control/planning/plan-faults.ts'
import { refuse } from '../../../../src/shared/errors.ts'
import { createLogger } from '../../../../src/shared/logger.ts'
import { NO_RECORDS } from '../../../../src/shared/record-policy.ts'
import { makeTempDir } from '../../../helpers/temp-dir.ts'

test('take() says what the default endpoint names, and which versions are unbound, until they are not', () => {
  const faults = new PlanFaults({
    logger: createLogger({ level: 'silent', component: 'test' }),
    records: { policies: NO_RECORDS, onUnmatched: () => {} },
  })
  const body = { versions: [], endpoints: [], unavailable: [], defaultEndpoint: null }
  const { detail } = refuse('BINDING_FAILED', 'it lacks an input')
  const unbound = [{ model: 'a', version: 1, code: 'BINDING_FAILED', detail }] as const
  faults.take({ body, unbound, unfit: [] }, 'b')
  expect(faults.warnings()).toEqual(["default_endpoint 'b' names no endpoint"])
  expect(faults.unbound).toEqual(unbound)
  faults.take({ body, unbound: [], unfit: [] }, null)
  expect([faults.warnings(), faults.unbound]).toEqual([[], []])
})

test('take() logs a rule for records that fits nothing once, and warns until it is mended', () => {
  const file = join(makeTempDir(), 'log')
  const logger = createLogger({ level: 'info', component: 'test', fd: openSync(file, 'w') })
  const counts: number[] = []
  const faults = new PlanFaults({
    logger,
    records: { policies: NO_RECORDS, onUnmatched: (rules) => counts.push(rules) },
  })
  const body = { versions: [], endpoints: [], unavailable: [], defaultEndpoint: null }
  const detail = "records: redaction of features fits nothing: no endpoint has 'age'"
  const unfit = [
    { endpoint: null, isOfAll: true, part: 'redact.features', name: 'age', detail },
  ] as const
  faults.take({ body, unbound: [], unfit }, null)
  faults.take({ body, unbound: [], unfit }, null)
  expect(faults.warnings()).toEqual([detail])
  expect(readFileSync(file, 'utf8').match(/records_policy_unmatched/g)).toHaveLength(1)
  faults.take({ body, unbound: [], unfit: [] }, null)
  expect(faults.warnings()).toEqual([])
  expect(counts).toEqual([1, 1, 0])
})
