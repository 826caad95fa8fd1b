import { expect, test } from 'vitest'
import { FairTurns } from '../../../../src/runtime/pool/fair-turns.ts'
import { PuppetTurns } from '../../../helpers/puppet-turns.ts'

/** Tenants that always want a turn, each of which takes so long. */
const makeHouse = (turnMs: readonly number[]) => {
  const turns = new PuppetTurns()
  const taken = turnMs.map(() => 0)
  let idle = 0
  const fair = new FairTurns(turns, () => void idle++)
  const tenants = turnMs.map((ms, i) => {
    const tenant = fair.tenant(() => {
      taken[i]!++
      turns.nowMs += ms
      if (busy.has(i)) tenant.want()
    })
    return tenant
  })
  const busy = new Set(tenants.keys())
  return { turns, fair, tenants, taken, busy, idles: () => idle }
}

test('want() shares time, not turns, between versions of long and of short runs', () => {
  const { turns, tenants, taken } = makeHouse([50, 1])
  for (const tenant of tenants) tenant.want()
  for (let i = 0; i < 510; i++) turns.turn()
  expect(taken).toEqual([10, 500])
})

test('want() gives one that comes back no more than its share for the time it was away', () => {
  const { turns, tenants, taken, busy } = makeHouse([10, 10])
  tenants[0]!.want()
  for (let i = 0; i < 100; i++) turns.turn()
  expect(busy.has(1)).toBe(true)
  tenants[1]!.want()
  for (let i = 0; i < 20; i++) turns.turn()
  expect(taken).toEqual([110, 10])
})

test('want() asks for one turn of the loop, however often it is called', () => {
  const { turns, tenants, taken, busy, idles } = makeHouse([1])
  busy.clear()
  for (let i = 0; i < 5; i++) tenants[0]!.want()
  turns.turn()
  expect([taken, idles(), turns.isIdle]).toEqual([[1], 1, true])
})

test('evict() takes the turn that was wanted', () => {
  const { turns, fair, tenants, taken } = makeHouse([1, 1])
  for (const tenant of tenants) tenant.want()
  fair.evict(tenants[0]!)
  turns.turn()
  expect(taken).toEqual([0, 1])
})

test('want() with others never keeps one waiting longer than the turns of all others once', () => {
  const { turns, tenants, taken } = makeHouse([5, 5, 5, 5])
  for (const tenant of tenants) tenant.want()
  for (let i = 0; i < 40; i++) {
    turns.turn()
    expect(Math.max(...taken) - Math.min(...taken)).toBeLessThanOrEqual(1)
  }
})
