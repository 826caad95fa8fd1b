/**
 * The engine on node:http takes up to a minute for a request that trickles in: too long for
 * `npm test`, which has the same test for uWebSockets (test/fault/slow-clients.test.ts).
 */

import { test } from 'vitest'
import { expectShakenOff } from '../helpers/slow-clients.ts'
import { startEngine } from '../helpers/suites/http-engine-harness.ts'

test('the node engine shakes off every slow client', async () => {
  await expectShakenOff(await startEngine('node'), 180_000)
})
