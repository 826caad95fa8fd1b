/** A sink that cannot begin, as its disk is away: what it had is known, and nothing of it goes. */

import { expect, test } from 'vitest'
import { FileSink } from '../../../../src/records/file-sink.ts'
import { ended, records } from '../../../helpers/records/frames.ts'
import { layoutFrame, ShippingWorld } from '../../../helpers/records/shipping-world.ts'
import { SEAL } from '../../../helpers/segments.ts'

class AwaySink extends FileSink {
  override open(): never {
    throw new Error('away')
  }
}

test('what was shipped before is known though the sink cannot begin', async () => {
  const world = new ShippingWorld()
  world.put({}, [layoutFrame(), records(1, 3), ended(3), SEAL])
  const { unlink } = world.files
  world.files.unlink = () => {
    throw new Error('busy')
  }
  await world.run(world.start())
  world.files.unlink = unlink
  expect([world.committed.totals.records, world.segments().length]).toEqual([3, 1])
  const { sinkOf } = world
  world.sinkOf = (options) => new AwaySink(options)
  const shipping = world.start()
  expect(world.isKnown).toBe(false)
  for (let times = 0; times < 3; times++) {
    await shipping.step()
    world.nowMs += 60_000
  }
  expect(shipping.failures).toBe(3)
  expect([world.isKnown, world.committed.totals.records]).toEqual([true, 3])
  // The last files may lack their names: nothing goes before the sink has begun.
  expect(world.segments()).toHaveLength(1)
  world.sinkOf = sinkOf
  await world.run(world.start())
  expect([world.committed.totals.records, world.segments()]).toEqual([3, []])
})
