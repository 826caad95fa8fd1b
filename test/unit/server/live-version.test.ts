import { expect, test } from 'vitest'
import { LiveVersions } from '../../../src/server/live-version.ts'
import type { PlannedVersion } from '../../../src/shared/epoch-plan.ts'
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

test.each<readonly [string, PlannedVersion]>([
  ['other proven bytes', { ...version, provenSha256: 'other' }],
  ['other settings', { ...version, session: { ...version.session, intraOpThreads: 2 } }],
  ['another place', { ...version, placement: { kind: 'pooled', instances: 1, reason: '' } }],
  ['another number', { ...version, version: 2 }],
  ['another model', { ...version, model: 'b' }],
])('acquire() loads anew for %s', (_, other) => {
  const { load, loaded } = loadCounting()
  const versions = new LiveVersions(load)
  expect(versions.acquire(other, 2)).not.toBe(versions.acquire(version, 1))
  expect(loaded).toHaveLength(2)
})

/** The same session, queued in another way. */
const QUEUED_ANEW: readonly (readonly [string, PlannedVersion])[] = [
  ['another batch policy', { ...version, batching: { ...version.batching, rowsMax: 1 } }],
  ['other queue policies', { ...version, queue: { ...version.queue, levels: 2, defaultLevel: 1 } }],
  ['other instances', { ...version, placement: { ...version.placement, instances: 2 } }],
]

test.each(QUEUED_ANEW)('acquire() keeps the session for %s', (_, other) => {
  const { load, loaded } = loadCounting()
  const versions = new LiveVersions(load)
  const before = versions.acquire(version, 1)
  const after = versions.acquire(other, 1)
  expect(after.queue).not.toBe(before.queue)
  const { opened, session } = loaded[0]!
  expect(opened.map(({ planned }) => planned)).toEqual([version, other])
  versions.release(before)
  expect(opened.map(({ isOpen }) => isOpen)).toEqual([false, true])
  expect(session.disposals).toBe(0)
  versions.release(after)
  expect(session.disposals).toBe(1)
  expect(loaded).toHaveLength(1)
})

test('acquire() holds no session whose queue cannot be opened', () => {
  const { load, loaded } = loadCounting()
  const isRefused = ({ queue }: PlannedVersion) => queue.levels === 9
  const versions = new LiveVersions((...args) => {
    const session = load(...args)
    const open = (...policies: Parameters<typeof session.open>) => {
      if (isRefused(policies[0])) throw new Error('no room')
      return session.open(...policies)
    }
    return { ...session, open }
  })
  const bad = { ...version, queue: { ...version.queue, levels: 9, defaultLevel: 1 } }
  expect(() => versions.acquire(bad, 1)).toThrow('no room')
  expect(loaded[0]!.session.disposals).toBe(1)
  const live = versions.acquire(version, 1)
  expect(() => versions.acquire(bad, 1)).toThrow('no room')
  expect(loaded[1]!.session.disposals).toBe(0)
  versions.release(live)
  expect(loaded[1]!.session.disposals).toBe(1)
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
