import { expect, test } from 'vitest'
import { LiveVersions } from '../../../src/server/live-version.ts'
import { plannedVersion } from '../../helpers/epoch-plans.ts'
import { loadCounting } from '../../helpers/live-versions.ts'

const version = plannedVersion({ model: 'a', version: 1 })

test('acquire() loads a version once, whatever else its plan says', () => {
  const { load, loaded } = loadCounting()
  const versions = new LiveVersions(load)
  const first = versions.acquire(version, 4)
  const exampleRow = { x: 1 }
  const manifest = { digest: '', features: [], task: 'binary', threshold: 0.2 } as const
  expect(versions.acquire({ ...version, manifest, exampleRow }, 4)).toBe(first)
  expect(loaded.map(({ number }) => number)).toEqual([4])
})

test.each([
  ['other proven bytes', { ...version, provenSha256: 'other' }],
  ['another batch policy', { ...version, batching: { ...version.batching, rowsMax: 1 } }],
  ['another number', { ...version, version: 2 }],
  ['another model', { ...version, model: 'b' }],
])('acquire() loads anew for %s', (_, other) => {
  const { load, loaded } = loadCounting()
  const versions = new LiveVersions(load)
  expect(versions.acquire(other, 2)).not.toBe(versions.acquire(version, 1))
  expect(loaded).toHaveLength(2)
})

test('release() disposes of the session when the last holder lets go, and it is loaded anew', () => {
  const { load, loaded } = loadCounting()
  const versions = new LiveVersions(load)
  const live = versions.acquire(version, 1)
  versions.acquire(version, 1)
  versions.release(live)
  expect(loaded[0]!.session.disposals).toBe(0)
  versions.release(live)
  expect(loaded[0]!.session.disposals).toBe(1)
  expect(versions.acquire(version, 1)).not.toBe(live)
  expect(() => versions.release(live)).toThrow('more often')
})

test('acquire() holds nothing of a version that cannot be loaded', () => {
  const { load, loaded } = loadCounting(() => {
    throw new Error('no such file')
  })
  const versions = new LiveVersions(load)
  expect(() => versions.acquire(version, 1)).toThrow('no such file')
  expect(() => versions.acquire(version, 1)).toThrow('no such file')
  expect(loaded).toEqual([])
})
