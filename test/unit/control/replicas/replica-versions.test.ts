import { expect, test } from 'vitest'
import { ReplicaVersions } from '../../../../src/control/replicas/replica-versions.ts'

const figures = (incarnation: number, ...versions: bigint[]) => ({
  incarnation,
  loaded: versions.map((version) => ({ model: 'm', version })),
})
const unload = { model: 'm', version: 1n, rssBeforeBytes: 9, rssAfterBytes: 7 }
const FIRST = { index: 0, incarnation: 5 }

test('held is what some replica holds, and the same set until that changes', () => {
  const versions = new ReplicaVersions()
  versions.onFigures([figures(5, 1n, 2n), figures(6, 2n)])
  const { held } = versions
  expect([...held]).toEqual(['m v1', 'm v2'])
  versions.onFigures([figures(5, 2n, 1n), figures(6)])
  expect(versions.held).toBe(held)
  versions.onDied(5)
  expect([...versions.held]).toEqual([])
})

test('onUnloaded() counts before the next figures, and keeps the last unload of each replica', () => {
  const versions = new ReplicaVersions()
  versions.onFigures([figures(5, 1n), figures(6, 1n)])
  versions.onUnloaded(FIRST, unload, 0)
  expect([...versions.held]).toEqual(['m v1'])
  versions.onUnloaded({ index: 1, incarnation: 6 }, { ...unload, rssAfterBytes: 8 }, 1000)
  expect([...versions.held]).toEqual([])
  versions.onUnloaded(FIRST, { ...unload, rssAfterBytes: 6 }, 2000)
  expect(versions.unloads.get('m v1')).toEqual([
    { replica: 0, at: '1970-01-01T00:00:02.000Z', rssBeforeBytes: 9, rssAfterBytes: 6 },
    { replica: 1, at: '1970-01-01T00:00:01.000Z', rssBeforeBytes: 9, rssAfterBytes: 8 },
  ])
  expect([versions.total, versions.last.get(0)?.rssAfterBytes]).toEqual([3, 6])
})

test('unloads forgets the oldest of a thousand names', () => {
  const versions = new ReplicaVersions()
  for (let version = 1n; version <= 1001n; version++) {
    versions.onUnloaded(FIRST, { ...unload, version }, 0)
  }
  expect(versions.unloads.size).toBe(1000)
  expect(versions.unloads.has('m v1')).toBe(false)
})
