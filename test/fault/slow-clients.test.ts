/** Clients that are slow, on the engine that serves by default. Time is real here. */

import { test } from 'vitest'
import { expectShakenOff } from '../helpers/slow-clients.ts'
import { startEngine } from '../helpers/suites/http-engine-harness.ts'

/** Documented: 10 to 15 s. */
test('the uws engine shakes off every slow client', async () => {
  await expectShakenOff(await startEngine('uws'), 45_000)
})
