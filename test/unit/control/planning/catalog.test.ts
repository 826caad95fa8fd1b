import { expect, test } from 'vitest'
import { repositoryParsers } from '../../../../src/config/parsers.ts'
import { Catalog } from '../../../../src/control/planning/catalog.ts'
import type { PlaceVersion } from '../../../../src/control/planning/placements.ts'
import { plannedVersion } from '../../../../src/control/planning/planned-version.ts'
import type { ScannedModel, ScannedVersion } from '../../../../src/registry/folder.ts'
import type { ProvingFailure, ProvingReport } from '../../../../src/runtime/proving-report.ts'
import { loadKey, type PlannedVersion } from '../../../../src/shared/epoch-plan.ts'
import { type Refusal, refuse } from '../../../../src/shared/errors.ts'
import { INLINE } from '../../../../src/shared/placement.ts'
import { settle } from '../../../helpers/fake-clock.ts'
import { provingReport } from '../../../helpers/proving-report.ts'

const CONFIG = repositoryParsers.defaultConfig
const BAD: ProvingFailure = { code: 'MODEL_INVALID', detail: 'it is bad' }

const scanOf = (
  versions: readonly number[],
  { torn = {}, ...more }: Partial<ScannedModel> & { torn?: Record<number, Refusal> } = {},
) => {
  const scanned = versions.map((version): ScannedVersion => {
    const bare = {
      version,
      folder: '',
      modelFile: '',
      manifest: null,
      exampleRow: null,
      bounds: [],
    }
    return { ...bare, fault: torn[version] ?? null }
  })
  const model: ScannedModel = {
    ...{ name: 'a', aliases: {}, config: CONFIG, versions: scanned, isBroken: false },
    faults: [],
    ...more,
  }
  return { models: [model], faults: [] }
}

/** A catalog whose proving runs end when told, and what was asked of it. */
const makeCatalog = (
  present: readonly PlannedVersion[] = [],
  place: PlaceVersion = () => INLINE,
) => {
  const runs: { version: number; end(result: ProvingReport | ProvingFailure): Promise<void> }[] = []
  let results = 0
  const catalog = new Catalog({
    prove: (_, { version }) => {
      const { promise, resolve } = Promise.withResolvers<ProvingReport | ProvingFailure>()
      const end = async (result: ProvingReport | ProvingFailure) => {
        resolve(result)
        await settle()
      }
      runs.push({ version, end })
      return promise
    },
    place,
    present: () => ({ versions: present }),
    isWanted: () => true,
    retries: () => ({ max: 2, firstMs: 1000 }),
    monotonic: () => 0,
    onResult: () => void results++,
  })
  const entry = (version: number) => catalog.models.get('a')?.versions.get(version)
  const proving = () => runs.map(({ version }) => version)
  return { catalog, runs, entry, proving, results: () => results }
}

test('take() has aspired versions proved, and tells of every result', async () => {
  const { catalog, runs, entry, proving, results } = makeCatalog()
  catalog.take(scanOf([1, 2, 3], { aliases: { champion: 1 } }), new Map([['a', 2]]))
  expect(proving()).toEqual([1, 2, 3])
  expect(catalog.isProving).toBe(true)
  await runs[0]!.end(provingReport())
  await runs[1]!.end(BAD)
  expect(entry(1)).toMatchObject({ failure: null, sound: { version: 1 }, isProving: false })
  expect(entry(2)).toMatchObject({ failure: BAD, sound: null, isProving: false })
  expect([catalog.isProving, results()]).toEqual([true, 2])
  await runs[2]!.end(provingReport({ provenSha256: 'p' }))
  expect(catalog.isProving).toBe(false)
  expect(catalog.copies()).toEqual(['s', 'p'])
})

test('take() tries no version with a fault', () => {
  const { catalog, entry, proving } = makeCatalog()
  const fault = refuse('MANIFEST_INVALID', 'torn')
  catalog.take(scanOf([1, 2], { torn: { 2: fault } }), new Map())
  expect(proving()).toEqual([1])
  expect(entry(2)).toMatchObject({ failure: fault, sound: null, isProving: false })
})

test('take() keeps what was sound until the new result is there', async () => {
  const { catalog, runs, entry } = makeCatalog()
  catalog.take(scanOf([1]), new Map())
  await runs[0]!.end(provingReport({ provenSha256: 'before' }))
  catalog.take(scanOf([1]), new Map())
  expect(entry(1)).toMatchObject({ sound: { provenSha256: 'before' }, isProving: true })
  await runs[1]!.end(provingReport({ provenSha256: 'after' }))
  expect(entry(1)).toMatchObject({ sound: { provenSha256: 'after' }, isProving: false })
})

test('a result of an earlier scan is not taken for one of the present scan', async () => {
  const { catalog, runs, entry, results } = makeCatalog()
  catalog.take(scanOf([1]), new Map())
  catalog.take(scanOf([1]), new Map())
  await runs[0]!.end(BAD)
  expect(entry(1)).toMatchObject({ failure: null, isProving: true })
  await runs[1]!.end(provingReport())
  expect(entry(1)).toMatchObject({ failure: null, sound: { version: 1 }, isProving: false })
  expect(results()).toBe(1)
})

test('a version that has gone is forgotten, with what is still being proved of it', async () => {
  const { catalog, runs, entry } = makeCatalog()
  catalog.take(scanOf([1, 2]), new Map())
  catalog.take(scanOf([1]), new Map())
  await runs[0]!.end(provingReport())
  expect(entry(2)).toBeUndefined()
})

test('versions are tried downwards until one is sound', async () => {
  const { catalog, runs, proving, entry } = makeCatalog()
  catalog.take(scanOf([1, 2, 3, 4]), new Map())
  await runs[0]!.end(BAD)
  await runs[1]!.end(BAD)
  await runs[2]!.end(provingReport())
  expect(proving()).toEqual([4, 3, 2])
  expect([entry(4)?.failure, entry(1)]).toEqual([BAD, undefined])
})

test('a model that cannot be read stays as it was known, and says so', async () => {
  const { catalog, runs, proving, entry } = makeCatalog()
  catalog.take(scanOf([1]), new Map())
  await runs[0]!.end(provingReport())
  const faults = [refuse('MODEL_CONFIG_INVALID', 'torn')]
  catalog.take(scanOf([], { isBroken: true, faults }), new Map())
  expect(proving()).toEqual([1])
  const { scanned, versions } = catalog.models.get('a')!
  expect(scanned).toMatchObject({ faults, versions: [{ version: 1 }] })
  expect(versions.get(1)).toMatchObject({ sound: { version: 1 }, failure: faults[0] })
  const others = [refuse('MODEL_CONFIG_INVALID', 'torn elsewhere')]
  catalog.take(scanOf([], { isBroken: true, faults: others }), new Map())
  expect(entry(1)).toMatchObject({ sound: { version: 1 }, failure: others[0] })
  catalog.take(scanOf([1]), new Map())
  expect(entry(1)).toMatchObject({ sound: { version: 1 }, failure: null })
})

test('a result that comes when the model cannot be read any more counts, and it still says so', async () => {
  const { catalog, runs, entry } = makeCatalog()
  catalog.take(scanOf([1]), new Map())
  const faults = [refuse('MODEL_CONFIG_INVALID', 'torn')]
  catalog.take(scanOf([], { isBroken: true, faults }), new Map())
  await runs[0]!.end(provingReport())
  expect(entry(1)).toMatchObject({ sound: { version: 1 }, failure: faults[0], isProving: false })
})

test('markFailed() bars what replicas cannot load until the next scan', async () => {
  const { catalog, runs, proving, entry } = makeCatalog()
  catalog.take(scanOf([1, 2]), new Map())
  await runs[0]!.end(provingReport())
  const failure = { code: 'PREPARE_FAILED' as const, detail: 'no' }
  catalog.markFailed(entry(2)!.sound!, failure, true)
  expect(entry(2)).toMatchObject({ failure })
  expect(catalog.barred.size).toBe(1)
  expect(proving()).toEqual([2, 1])
  catalog.take(scanOf([1, 2]), new Map())
  expect(catalog.barred.size).toBe(0)
})

test('proveAgain() proves a version once more, unless it cannot be tried', async () => {
  const { catalog, runs, proving, entry } = makeCatalog()
  const fault = refuse('MANIFEST_INVALID', 'torn')
  catalog.take(scanOf([1, 2], { torn: { 2: fault } }), new Map())
  await runs[0]!.end(provingReport())
  expect(catalog.proveAgain('a', 1)).toBe(true)
  expect(proving()).toEqual([1, 1])
  expect(entry(1)).toMatchObject({ sound: { version: 1 }, isProving: true })
  expect(catalog.proveAgain('a', 2)).toBe(false)
  expect(catalog.proveAgain('b', 1)).toBe(false)
})

test('what replicas cannot load while its files are torn is due no more', async () => {
  const { catalog, entry, proving } = makeCatalog()
  const { models } = scanOf([1])
  const served = plannedVersion(models[0]!, models[0]!.versions[0]!, provingReport(), () => INLINE)
  const torn = scanOf([1], { torn: { 1: refuse('FILES_CHANGING', 'a copy is under way') } })
  catalog.take(torn, new Map([['a', 1]]))
  catalog.markFailed(served, { code: 'PREPARE_FAILED', detail: 'no' }, true)
  expect([catalog.retryAtMs, entry(1)?.attempt.retryAtMs]).toEqual([Number.POSITIVE_INFINITY, null])
  catalog.retry(10_000)
  expect(proving()).toEqual([])
})

test('what replicas could not load is let in again by a retry, though it was not sound then', async () => {
  const { models } = scanOf([1])
  const served = plannedVersion(models[0]!, models[0]!.versions[0]!, provingReport(), () => INLINE)
  const { catalog, runs, entry } = makeCatalog([served])
  catalog.take(scanOf([1]), new Map())
  await runs[0]!.end({ code: 'PROVING_TIMEOUT', detail: 'it takes too long' })
  catalog.markFailed(served, { code: 'PREPARE_FAILED', detail: 'no' }, true)
  expect([entry(1)?.sound, catalog.barred.size]).toEqual([null, 1])
  catalog.retry(10_000)
  await runs[1]!.end(provingReport())
  expect([loadKey(entry(1)!.sound!), catalog.barred.size]).toEqual([loadKey(served), 0])
})

test('a served version whose files are torn is no reason to try a lower one', async () => {
  const { models } = scanOf([1, 2])
  const served = plannedVersion(models[0]!, models[0]!.versions[1]!, provingReport(), () => INLINE)
  const { catalog, runs, proving } = makeCatalog([served])
  catalog.take(scanOf([1, 2]), new Map())
  await runs[0]!.end(BAD)
  expect(proving()).toEqual([2])
})

test('placeAnew() gives every sound version its place, and leaves the rest', async () => {
  let asked = 0
  const { catalog, runs, entry } = makeCatalog([], () => ({ ...INLINE, reason: `${++asked}` }))
  catalog.take(scanOf([1, 2], { aliases: { champion: 1 } }), new Map())
  await runs[0]!.end(provingReport())
  await runs[1]!.end(BAD)
  const before = entry(1)
  expect(before).toMatchObject({ sound: { placement: { reason: '1' } } })
  catalog.placeAnew()
  expect(entry(1)).toEqual({
    ...before,
    sound: { ...before?.sound, placement: { ...INLINE, reason: '2' } },
  })
  expect(entry(2)).toMatchObject({ failure: BAD, sound: null })
})
