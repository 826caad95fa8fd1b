import { expect, test } from 'vitest'
import { apiDescription } from '../../../src/server/api-description.ts'
import { epochPlan, plannedVersion } from '../../helpers/epoch-plans.ts'
import { RequestPath } from '../../helpers/request-path.ts'

test('apiDescription() is written once an epoch', () => {
  const path = new RequestPath(epochPlan(1, [plannedVersion({ model: 'm', version: 1 })]))
  const { epoch } = path.epochs.current()
  const first = apiDescription(epoch)
  expect(apiDescription(epoch)).toBe(first)
  path.commit(epochPlan(2, [plannedVersion({ model: 'n', version: 1 })]))
  const second = apiDescription(path.epochs.current().epoch)
  expect(String(first.body)).toContain('/predict/m')
  expect(String(second.body)).toContain('/predict/n')
  expect(String(second.body)).not.toContain('/predict/m')
})
