import fc from 'fast-check'
import { expect, test } from 'vitest'
import { repositoryParsers } from '../../../../src/config/parsers.ts'
import { plannedVersion, versionName } from '../../../../src/control/planning/planned-version.ts'
import { type Loss, Suspicion } from '../../../../src/control/planning/suspicion.ts'
import { INLINE } from '../../../../src/shared/placement.ts'
import { provingReport } from '../../../helpers/proving-report.ts'

const CONFIG = repositoryParsers.defaultConfig

const version = (name: string) =>
  plannedVersion(
    { name, aliases: {}, config: CONFIG, versions: [], faults: [], isBroken: false },
    {
      version: 1,
      folder: '',
      modelFile: '',
      manifest: null,
      exampleRow: null,
      bounds: [],
      fault: null,
    },
    provingReport(),
    () => INLINE,
  )

const [a, b, c] = [version('a'), version('b'), version('c')]

const loss = (loading: Loss['loading'], more: Partial<Loss> = {}): Loss => ({
  how: 'died',
  loading,
  suspect: null,
  ...more,
})

test('blame() gives the only suspect a second try', () => {
  const suspicion = new Suspicion()
  suspicion.trust([a], true)
  expect(suspicion.blame(loss([a, b]), true)).toBeNull()
  expect(suspicion.blame(loss([a, b]), true)).toBe(b)
})

test('blame() gives one that fell silent no second try', () => {
  expect(new Suspicion().blame(loss([a], { how: 'silent' }), true)).toBe(a)
})

test('blame() believes what the replica said', () => {
  const suspicion = new Suspicion()
  expect(suspicion.blame(loss([a, b, c], { suspect: b }), true)).toBeNull()
  expect(suspicion.blame(loss([a, b, c], { suspect: b }), true)).toBe(b)
})

test('trust() forgives when every replica could load it, and only then', () => {
  const suspicion = new Suspicion()
  suspicion.blame(loss([a]), true)
  suspicion.trust([a], true)
  expect(suspicion.blame(loss([a, b]), true)).toBeNull()
  suspicion.trust([b], false)
  expect(suspicion.blame(loss([a, b]), true)).toBe(b)
})

test('blame() is at a loss when all were loaded before', () => {
  const suspicion = new Suspicion()
  suspicion.trust([a, b], true)
  for (let i = 0; i < 5; i++) expect(suspicion.blame(loss([a, b]), true)).toBeNull()
})

test('blame() holds nothing back where another plan is not to come', () => {
  const suspicion = new Suspicion()
  suspicion.blame(loss([a, b]), false)
  expect([a, b].map((each) => suspicion.isHeld(each))).toEqual([false, false])
})

test('one deadly version among any number is found in a few tries, and no other is blamed', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 60 }), fc.nat(), (count, at) => {
      const versions = Array.from({ length: count }, (_, i) => version(`m${i}`))
      const deadly = versions[at % count]!
      const suspicion = new Suspicion()
      const failed: string[] = []
      let tries = 0
      for (let isDone = false; !isDone; tries++) {
        const loading = versions.filter(
          (each) => !suspicion.isHeld(each) && !failed.includes(versionName(each)),
        )
        if (loading.includes(deadly)) {
          const blamed = suspicion.blame(loss(loading), true)
          if (blamed !== null) failed.push(versionName(blamed))
        } else {
          suspicion.trust(loading, true)
          isDone = !suspicion.release()
        }
        expect(tries).toBeLessThan(60)
      }
      expect(failed).toEqual([versionName(deadly)])
    }),
  )
})
