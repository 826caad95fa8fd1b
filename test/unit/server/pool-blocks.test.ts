import { expect, test } from 'vitest'
import { PoolBlocks } from '../../../src/server/pool-blocks.ts'

test('take() gives a block again when all threads have let go of it, and not before', () => {
  const blocks = new PoolBlocks()
  const block = blocks.take(1000)
  blocks.leave(1, block, [0, 1])
  blocks.left(1, 0)
  expect(blocks.take(1000)).not.toBe(block)
  blocks.left(1, 1)
  expect(blocks.take(900)).toBe(block)
  expect(blocks.take(900)).not.toBe(block)
})

test('take() gives a block again when the thread that had it has ended', () => {
  const blocks = new PoolBlocks()
  const block = blocks.take(1000)
  blocks.leave(1, block, [0])
  blocks.ended(0)
  expect(blocks.take(1000)).toBe(block)
})

test('take() gives the smallest that is large enough, and none that is far too large', () => {
  const blocks = new PoolBlocks()
  const [large, small] = [blocks.take(2000), blocks.take(1200)]
  blocks.leave(1, large, [])
  blocks.leave(2, small, [])
  expect(blocks.take(500).byteLength).toBe(500)
  expect(blocks.take(2001).byteLength).toBe(2001)
  expect(blocks.take(1100)).toBe(small)
  expect(blocks.take(1100)).toBe(large)
})

test('leave() keeps few blocks for later', () => {
  const blocks = new PoolBlocks()
  const all = Array.from({ length: 4 }, () => blocks.take(1000))
  for (const [i, block] of all.entries()) blocks.leave(i, block, [])
  const again = all.map(() => blocks.take(1000))
  expect(again.filter((block) => all.includes(block))).toHaveLength(2)
})
