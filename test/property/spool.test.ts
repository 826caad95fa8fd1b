/**
 * The spool in a world that fails (test/helpers/spool-world.ts): whatever fails, in whatever order,
 * what was promised at the chosen durability is there, once or more and alike; nothing is there
 * that was not written; and every sequence below the floor has a record or a gap with its reason.
 */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { propertyRuns } from '../helpers/seeds.ts'
import { spoolPlan } from '../helpers/spool-plans.ts'
import { playSpool } from '../helpers/spool-world.ts'

test('what a spool promises is kept, whatever fails and dies', () => {
  fc.assert(
    fc.property(spoolPlan, (plan) => {
      expect(playSpool(plan)).toEqual([])
    }),
    { numRuns: propertyRuns(200) },
  )
})
