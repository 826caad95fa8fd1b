import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { repositoryParsers } from '../../../../src/config/parsers.ts'
import type {
  CatalogModel,
  CatalogVersion,
} from '../../../../src/control/planning/catalog-version.ts'
import { NO_ATTEMPT } from '../../../../src/control/planning/load-retries.ts'
import { plannedVersion } from '../../../../src/control/planning/planned-version.ts'
import {
  type Candidate,
  chooseVersion,
  isSamePlan,
  makePlan,
  type PlanInputs,
} from '../../../../src/control/planning/planner.ts'
import type { ScannedModel, ScannedVersion } from '../../../../src/registry/folder.ts'
import {
  decodePlan,
  encodeJson,
  loadKey,
  type PlannedVersion,
} from '../../../../src/shared/epoch-plan.ts'
import type { Manifest } from '../../../../src/shared/manifest.ts'
import { INLINE } from '../../../../src/shared/placement.ts'
import { provingReport, signatureOf } from '../../../helpers/proving-report.ts'

const CONFIG = repositoryParsers.defaultConfig
const FAILURE = { code: 'MODEL_INVALID' as const, detail: 'x' }

interface Fate {
  readonly width?: number
  /** Names of features, each fed to `tensor`. */
  readonly features?: readonly string[]
  readonly tensor?: string
  readonly state?: 'sound' | 'failed' | 'loading' | 'renewing'
}

const manifestOf = ({ features, tensor = 'x' }: Fate): Manifest | null =>
  features === undefined
    ? null
    : {
        digest: 'd',
        features: features.map((name, column) => ({
          ...{ name, column, tensor, type: 'number', optional: false, missing: 0 },
        })),
        task: 'other',
      }

const scannedOf = (version: number, fate: Fate): ScannedVersion => ({
  ...{ version, folder: '', modelFile: '', exampleRow: null, bounds: [], fault: null },
  manifest: manifestOf(fate),
})

const plannedOf = (model: ScannedModel, version: number, fate: Fate): PlannedVersion =>
  plannedVersion(
    model,
    scannedOf(version, fate),
    provingReport({ signature: signatureOf(fate.width ?? 2), provenSha256: `${version}` }),
    () => INLINE,
  )

const entryOf = (model: ScannedModel, version: number, fate: Fate): CatalogVersion => {
  const { state = 'sound' } = fate
  const planned = plannedOf(model, version, fate)
  return {
    scanned: scannedOf(version, fate),
    report: null,
    sound: state === 'failed' || state === 'loading' ? null : planned,
    failure: state === 'failed' ? FAILURE : null,
    warnings: [],
    attempt: NO_ATTEMPT,
    isProving: state === 'loading' || state === 'renewing',
  }
}

const modelOf = (
  name: string,
  aliases: Readonly<Record<string, number>>,
  fates: Readonly<Record<number, Fate>>,
  isBroken = false,
): CatalogModel => {
  const numbers = Object.keys(fates).map(Number)
  const scanned: ScannedModel = {
    ...{ name, aliases, config: CONFIG, faults: [], isBroken },
    versions: numbers.map((version) => scannedOf(version, fates[version]!)),
  }
  const entries = numbers.map((v) => [v, entryOf(scanned, v, fates[v]!)] as const)
  return { scanned, broken: null, isWanted: true, versions: new Map(entries) }
}

const plan = (models: readonly CatalogModel[], more: Partial<PlanInputs> = {}) =>
  makePlan({
    models: new Map(models.map((each) => [each.scanned.name, each])),
    defaultEndpoint: null,
    previous: [],
    ...more,
  })

const candidates = (text: string): Map<number, Candidate> =>
  new Map(
    text
      .split(' ')
      .filter(Boolean)
      .map((word) => {
        const [version, state = 'sound'] = word.split(':')
        return [Number(version), state as Candidate]
      }),
  )

describe('chooseVersion()', () => {
  test.each([
    ['champion when sound', '1 2', 1, undefined, 1],
    ['the highest without champion', '1 3', undefined, 1, 3],
    ['what serves when the champion does not exist', '1 3', 7, 1, 1],
    ['nothing while what serves is loading instead', '1:loading 3', 7, 1, null],
    ['the highest when neither exists', '1 3', 7, 2, 3],
    ['the highest when the champion does not exist and nothing serves', '1 3', 7, undefined, 3],
    ['what serves when the champion has failed', '1 2 4:failed', 4, 1, 1],
    ['the highest when nothing serves either', '1 2 4:failed', 4, undefined, 2],
    ['nothing when nothing is sound', '1:failed', 1, undefined, null],
    ['nothing of an empty model', '', undefined, undefined, null],
    ['what serves while the champion is loading', '1 2 4:loading', 4, 1, 1],
    ['nothing while the champion is loading and nothing serves', '1 4:loading', 4, undefined, null],
    ['what serves while a newer one is loading', '1 2:loading', undefined, 1, 1],
    ['the next lower when the highest has failed', '1 2 3:failed', undefined, undefined, 2],
    ['nothing while the next lower is loading', '1 2:loading 3:failed', undefined, undefined, null],
    ['a newer one that is sound over what serves', '1 2 3:failed', undefined, 1, 2],
  ])('takes %s', (_, states, champion, serving, wanted) => {
    expect(chooseVersion(candidates(states), champion, serving)).toBe(wanted)
  })
})

describe('makePlan()', () => {
  test('sends an implicit endpoint to its champion and can pin the rest', () => {
    const { body } = plan([modelOf('a', { champion: 1 }, { 1: {}, 2: {} })])
    expect(body.endpoints).toMatchObject([
      { name: 'a', revision: 1, variants: [{ name: 'v1', version: 1, weightBp: 10_000 }] },
    ])
    expect(body.versions.map(({ version }) => version)).toEqual([1, 2])
    expect(body.defaultEndpoint).toBe('a')
  })

  test('has no default endpoint among several, available or not', () => {
    const a = modelOf('a', {}, { 1: {} })
    expect(plan([a, modelOf('b', {}, { 1: {} })]).body.defaultEndpoint).toBeNull()
    const failed = modelOf('b', {}, { 1: { state: 'failed' } })
    expect(plan([a, failed]).body.defaultEndpoint).toBeNull()
  })

  test('keeps the name of a default endpoint that is merely unavailable', () => {
    const failed = modelOf('a', {}, { 1: { state: 'failed' } })
    const unavailable = { endpoints: [], unavailable: ['a'], defaultEndpoint: 'a' }
    expect(plan([failed]).body).toMatchObject(unavailable)
    const others = [failed, modelOf('b', {}, { 1: {} })]
    expect(plan(others, { defaultEndpoint: 'a' }).body.defaultEndpoint).toBe('a')
    expect(plan(others, { defaultEndpoint: 'c' }).body.defaultEndpoint).toBeNull()
  })

  test('leaves out a version that cannot keep the contract', () => {
    const { body, unbound } = plan([modelOf('a', { champion: 1 }, { 1: {}, 2: { width: 3 } })])
    expect(body.versions.map(({ version }) => version)).toEqual([1])
    expect(unbound).toMatchObject([{ model: 'a', version: 2, code: 'BINDING_FAILED' }])
  })

  test('takes no contract from a champion that cannot keep its own', () => {
    const selfish = { features: ['f'], tensor: 'nowhere' }
    const { body, unbound } = plan([modelOf('a', { champion: 2 }, { 1: {}, 2: selfish })])
    expect(body.endpoints[0]?.variants).toMatchObject([{ version: 1 }])
    expect(unbound).toMatchObject([{ version: 2, code: 'BINDING_FAILED' }])
    expect(plan([modelOf('a', {}, { 2: selfish })]).body).toMatchObject({ unavailable: ['a'] })
  })

  test('raises the revision only when the endpoint changes', () => {
    const at = (champion: number) => [modelOf('a', { champion }, { 1: {}, 2: {} })]
    const first = plan(at(1)).body
    const same = plan(at(1), { previous: first.endpoints }).body
    expect(same).toEqual(first)
    expect(isSamePlan({ epoch: 7, ...first }, same)).toBe(true)
    const moved = plan(at(2), { previous: first.endpoints }).body
    expect(moved.endpoints[0]!.revision).toBe(2)
    expect(isSamePlan({ epoch: 7, ...first }, moved)).toBe(false)
  })

  test('is the same for another measurement, and for a plan that has travelled', () => {
    const { body } = plan([modelOf('a', {}, { 1: {} })])
    expect(body.versions).toHaveLength(1)
    const present = { epoch: 7, ...body }
    const measured = body.versions.map((version) => ({
      ...version,
      runUsByRows: [[1, 77] as const],
      placement: { ...version.placement, reason: 'inline: a run takes 0.077 ms' },
    }))
    expect(isSamePlan(present, { ...body, versions: measured })).toBe(true)
    expect(isSamePlan(decodePlan(encodeJson(present)), body)).toBe(true)
    const moved = body.versions.map((version) => ({
      ...version,
      placement: { kind: 'pooled' as const, instances: 1, reason: '' },
    }))
    expect(isSamePlan(present, { ...body, versions: moved })).toBe(false)
  })

  test('serves on, as it is in the present epoch, what cannot be renewed', () => {
    const first = plan([modelOf('a', {}, { 1: {} })]).body
    const present = { previous: first.endpoints, served: first.versions }
    for (const state of ['failed', 'loading'] as const) {
      expect(plan([modelOf('a', {}, { 1: { state } })], present).body).toEqual(first)
    }
    expect(plan([modelOf('a', {}, {}, true)], present).body).toEqual(first)
    const gone = plan([modelOf('a', {}, {})], present).body
    expect(gone).toMatchObject({ endpoints: [], versions: [] })
    const barred = new Set(first.versions.map(loadKey))
    const unable = plan([modelOf('a', {}, { 1: { state: 'failed' } })], { ...present, barred })
    expect(unable.body).toMatchObject({ endpoints: [], unavailable: ['a'] })
  })

  test('falls back at once from what is poison, whether it serves or is sound', () => {
    const models = [modelOf('a', { champion: 2 }, { 1: {}, 2: {} })]
    const { body: before } = plan(models)
    const present = { previous: before.endpoints, served: before.versions }
    const { body } = plan(models, { ...present, isPoison: ({ version }) => version === 2 })
    expect(body.versions.map(({ version }) => version)).toEqual([1])
    expect(body.endpoints).toMatchObject([{ variants: [{ version: 1 }] }])
  })

  test('leaves a version that is held back out as if it were loading', () => {
    const models = [modelOf('a', {}, { 1: {}, 2: {} })]
    const { body } = plan(models, { isHeld: ({ version }) => version === 2 })
    expect(body).toMatchObject({ endpoints: [], unavailable: ['a'] })
  })

  test('leaves it out though the present epoch names it, with or without its files', () => {
    const models = [modelOf('a', {}, { 1: {} }), modelOf('b', {}, { 1: { state: 'failed' } })]
    const served = [plannedOf(models[0]!.scanned, 1, {}), plannedOf(models[1]!.scanned, 1, {})]
    expect(plan(models, { served }).body.unavailable).toEqual([])
    const { body } = plan(models, { served, isHeld: () => true })
    expect(body).toMatchObject({ versions: [], unavailable: ['a', 'b'] })
  })
})

const fates: fc.Arbitrary<Fate> = fc.record(
  {
    width: fc.constantFrom(1, 2),
    features: fc.subarray(['f', 'g'], { minLength: 1 }),
    tensor: fc.constantFrom('x', 'nowhere'),
    state: fc.constantFrom('sound', 'sound', 'failed', 'loading', 'renewing'),
  },
  { requiredKeys: [] },
)
const version = fc.integer({ min: 1, max: 4 })
const models = fc.uniqueArray(
  fc
    .record({
      name: fc.constantFrom('a', 'b'),
      champion: fc.option(version),
      fates: fc.dictionary(version.map(String), fates),
      isBroken: fc.boolean(),
    })
    .map(({ name, champion, fates: all, isBroken }) =>
      modelOf(name, champion === null ? {} : { champion }, all, isBroken),
    ),
  { selector: ({ scanned }) => scanned.name },
)

const names = fc.constantFrom(null, 'a', 'b', 'c')

test('makePlan() plans no variant that is not loaded, whatever served before', () => {
  fc.assert(
    fc.property(models, models, names, fc.array(fc.boolean()), (before, now, name, barred) => {
      const first = plan(before).body
      const { body } = plan(now, {
        previous: first.endpoints,
        served: first.versions,
        defaultEndpoint: name,
        barred: new Set(first.versions.filter((_, i) => barred[i]).map(loadKey)),
      })
      for (const { model, variants } of body.endpoints) {
        for (const variant of variants) {
          const found = body.versions.filter((each) => each.model === model)
          expect(found.map((each) => each.version)).toContain(variant.version)
        }
      }
      const all = [...body.endpoints.map((each) => each.name), ...body.unavailable]
      expect(all.sort()).toEqual(now.map(({ scanned }) => scanned.name).sort())
      expect([null, ...all]).toContain(body.defaultEndpoint)
      const numbers = body.versions.map((each) => `${each.model}/${each.version}`)
      expect(new Set(numbers).size).toBe(numbers.length)
    }),
  )
})
