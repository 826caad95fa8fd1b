import { expect, test } from 'vitest'
import { repositoryParsers } from '../../../../src/config/parsers.ts'
import { batchPolicyOf } from '../../../../src/control/planning/planned-version.ts'
import { provingReport } from '../../../helpers/proving-report.ts'

const CONFIG = repositoryParsers.defaultConfig

test.each([
  ['the measured cap', {}, {}, { rowsMax: 64, mixesRequests: true }],
  ['less when model.yaml says so', {}, { maxBatchSize: 8 }, { rowsMax: 8 }],
  ['no more than the cap', {}, { maxBatchSize: 999 }, { rowsMax: 64 }],
  ['alone when max_batch_size is 0', {}, { maxBatchSize: 0 }, { rowsMax: 0, mixesRequests: false }],
  ['alone without row dimension', { hasRowDimension: false }, {}, { rowsMax: 0 }],
  ['apart when answers differ', { batchingAgrees: false }, {}, { mixesRequests: false }],
])('batchPolicyOf() batches %s', (_, measured, config, wanted) => {
  expect(batchPolicyOf(provingReport(measured), { ...CONFIG, ...config })).toMatchObject(wanted)
})
