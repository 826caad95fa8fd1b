import { expect, test } from 'vitest'
import { unitHint } from '../../../src/config/unit-hint.ts'

test.each([
  ['limits.body_bytes_max', '64MiB', 'in bytes: 67108864'],
  ['limits.body_bytes_max', '1.5 GB', 'in bytes: 1500000000'],
  ['proving.timeout_seconds', '2m', 'in seconds: 120'],
  ['proving.timeout_seconds', '500ms', 'in seconds: 0.5'],
  ['control_absence_max', '1h', 'in seconds: 3600'],
  ['dynamic_batching.max_queue_delay_microseconds', '0.1ms', 'in microseconds: 100'],
  ['limits.body_bytes_max', '64 parsecs', null],
  ['limits.body_bytes_max', 'many', null],
  ['limits.body_bytes_max', '1constructor', null],
  ['server.http_port', '8k', null],
])('unitHint() of %s and %j is %j', (key, text, expected) => {
  expect(unitHint(key, text)).toBe(expected)
})
