import { expect, test } from 'vitest'
import { provingLimits } from '../../../src/cli/proving-limits.ts'
import { loadedConfig, REPOSITORY } from '../../helpers/config.ts'

test('provingLimits() are those of the config, in milliseconds', () => {
  const proving = 'proving:\n  timeout_seconds: 7\n  memory_bytes_max: 1073741824\n  rows_max: 16\n'
  const { config } = loadedConfig(REPOSITORY + proving)
  expect(provingLimits(config)).toEqual({
    timeoutMs: 7000,
    memoryBytesMax: 1024 ** 3,
    rowsMax: 16,
  })
})
