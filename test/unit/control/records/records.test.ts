import { expect, test } from 'vitest'
import { Records } from '../../../../src/control/records/records.ts'
import { loadedConfig, REPOSITORY } from '../../../helpers/config.ts'

const configOf = (text: string) => loadedConfig(REPOSITORY + text).config.records

test('reload() takes over what endpoints want of records', () => {
  const records = new Records(configOf(''))
  expect(records.policies.base.rate).toBe(1)
  records.reload(configOf('records: {sampling: {rate: 0.5}}'))
  expect(records.policies.base.rate).toBe(0.5)
})
