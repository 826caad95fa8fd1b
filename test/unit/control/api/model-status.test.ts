import { expect, test } from 'vitest'
import { repositoryParsers } from '../../../../src/config/parsers.ts'
import {
  modelsDocument,
  modelWarnings,
  type ServedVersions,
} from '../../../../src/control/api/model-status.ts'
import type {
  CatalogModel,
  CatalogVersion,
} from '../../../../src/control/planning/catalog-version.ts'
import { NO_ATTEMPT } from '../../../../src/control/planning/load-retries.ts'
import { plannedVersion } from '../../../../src/control/planning/planned-version.ts'
import type { ScannedModel } from '../../../../src/registry/folder.ts'
import type { ProvingReport } from '../../../../src/runtime/proving-report.ts'
import { INLINE } from '../../../../src/shared/placement.ts'
import { DEFAULT_CUDA, DEFAULT_SESSION } from '../../../../src/shared/session-settings.ts'
import { provingReport } from '../../../helpers/proving-report.ts'

const CONFIG = repositoryParsers.defaultConfig
const BAD = { code: 'MODEL_INVALID' as const, detail: 'it is bad' }

const scanned = {
  folder: '',
  modelFile: '',
  manifest: null,
  exampleRow: null,
  bounds: [],
  fault: null,
}
const SCANNED: ScannedModel = {
  ...{ name: 'a', config: CONFIG, faults: [], isBroken: false },
  aliases: { champion: 1, blue: 1 },
  versions: [1, 2].map((version) => ({ ...scanned, version })),
}

const planned = (report: ProvingReport) =>
  plannedVersion(SCANNED, { ...scanned, version: 1 }, report, () => INLINE)

/** Model a: version 1 as told, version 2 not aspired. */
const modelWith = (more: Partial<CatalogVersion>, report = provingReport()) => {
  const entry: CatalogVersion = {
    scanned: { ...scanned, version: 1 },
    report,
    sound: planned(report),
    failure: null,
    warnings: [],
    isProving: false,
    attempt: NO_ATTEMPT,
    ...more,
  }
  const model = { scanned: SCANNED, broken: null, isWanted: true }
  return new Map<string, CatalogModel>([['a', { ...model, versions: new Map([[1, entry]]) }]])
}

const served = (isAvailable: boolean, more: Partial<ServedVersions> = {}): ServedVersions => ({
  find: (_, version) => (version === 1 ? planned(provingReport()) : undefined),
  isAvailable: () => isAvailable,
  unbound: [],
  held: new Set(),
  unloads: new Map(),
  ...more,
})
const notServed = served(false, { find: () => undefined })

const versionOne = (more: Partial<CatalogVersion>, replicas: ServedVersions | null) =>
  modelsDocument(modelWith(more), replicas).models[0]!.versions[0]!

test.each([
  ['loading', 'while it is proved', { sound: null, isProving: true }, notServed],
  ['loading', 'until it is in an epoch', {}, notServed],
  ['loading', 'until every replica has it', {}, served(false)],
  ['loading', 'where no replica runs', {}, null],
  ['available', 'when every replica has it', {}, served(true)],
  ['available', 'while it is proved again', { isProving: true }, served(true)],
  ['available', 'as it was, whatever lies there now', { sound: null, failure: BAD }, served(true)],
  ['loading', 'while it is tried again', { failure: BAD, isProving: true }, notServed],
  ['failed', 'when it cannot serve', { sound: null, failure: BAD }, notServed],
  ['failed', 'when replicas cannot load it', { failure: BAD }, notServed],
] as const)('modelsDocument() calls a version %s %s', (state, _, more, replicas) => {
  expect(versionOne(more, replicas).state).toBe(state)
})

test('modelsDocument() tells what is known of versions, aspired or not', () => {
  const { models } = modelsDocument(modelWith({}), served(true))
  expect(models).toMatchObject([
    {
      name: 'a',
      versions: [
        { version: 1, aliases: ['champion', 'blue'], batching: { rowsMax: 64 }, memoryBytes: 1 },
        { version: 2, state: 'unloaded', aliases: [], digest: null, warnings: [] },
      ],
    },
  ])
})

test('modelsDocument() says of a version that cannot keep the contract why not', () => {
  const unbound = [{ model: 'a', version: 1, code: 'BINDING_FAILED' as const, detail: 'no x' }]
  const failed = { state: 'failed', code: 'BINDING_FAILED', reason: 'no x' }
  expect(versionOne({}, { ...notServed, unbound })).toMatchObject(failed)
})

test('modelWarnings() names what failed, what is slow and what serves as it was', () => {
  const warningsOf = (more: Partial<CatalogVersion>, replicas: ServedVersions) =>
    modelWarnings(modelsDocument(modelWith(more), replicas))
  expect(warningsOf({ sound: null, failure: BAD }, notServed)).toEqual([
    'a v1 failed: MODEL_INVALID: it is bad',
  ])
  const report = provingReport({ runUsByRows: [[1, 1500]], warnings: ['it is not batched'] })
  expect(warningsOf({ report, failure: BAD }, served(true))).toEqual([
    'a v1: serves as it was; what lies there now cannot: MODEL_INVALID: it is bad',
    'a v1: a full batch takes 1.5 ms and blocks its data thread meanwhile',
    'a v1: it is not batched',
    'a v1: no manifest.json: raw outputs, no named features',
  ])
})

test('modelWarnings() says which GPUs have no session, for want of compute threads', () => {
  const session = {
    ...{ ...DEFAULT_SESSION, providers: ['cuda', 'cpu'] as const },
    cuda: { ...DEFAULT_CUDA, deviceIds: [0, 1] },
  }
  const placement = { kind: 'pooled', instances: 1, reason: '' } as const
  const onGpus = { ...planned(provingReport()), session, placement }
  const replicas = served(true, { find: () => onGpus })
  expect(modelWarnings(modelsDocument(modelWith({}), replicas))).toContain(
    'a v1: it has 1 session in each replica, and none on GPU 1: 2 are asked for, and server.compute_threads is 1',
  )
})

test('modelWarnings() shows what is declared otherwise, and rows that cannot be asked for', () => {
  const warning = { source: 'config.pbtxt', line: 3, column: 5, path: 'input', message: 'more' }
  const warnings = [{ ...warning, hint: null }]
  const batching = { rowsMax: 0, mixesRequests: false, preferredRows: [], queueDelayUsMax: 0 }
  const replicas = served(true, { find: () => ({ ...planned(provingReport()), batching }) })
  expect(modelWarnings(modelsDocument(modelWith({ warnings }), replicas))).toEqual([
    'a v1: max_batch_size 0 or absent: /predict and /v1 take one row a request',
    'a v1: no manifest.json: raw outputs, no named features',
    'a v1: config.pbtxt:3:5  input: more',
  ])
})

test('modelWarnings() names preferred sizes that no batch can have', () => {
  const sizes = (rowsMax: number, mixesRequests = true) => {
    const batching = { rowsMax, mixesRequests, preferredRows: [4, 64, 128], queueDelayUsMax: 1 }
    const replicas = served(true, { find: () => ({ ...planned(provingReport()), batching }) })
    return modelWarnings(modelsDocument(modelWith({}), replicas)).join()
  }
  expect(sizes(32)).toMatch(/preferred_batch_size 64, 128 is beyond the largest batch, 32 rows/)
  expect(sizes(128)).not.toContain('preferred_batch_size')
  expect(sizes(32, false)).not.toContain('preferred_batch_size')
})

test('modelsDocument() calls draining what some replica still holds, and then unloaded', () => {
  const held = new Set(['a v2'])
  const at = '2025-01-01T00:00:00.000Z'
  const unloads = new Map([['a v2', [{ replica: 0, at, rssBeforeBytes: 9, rssAfterBytes: 7 }]]])
  const second = (more: Partial<ServedVersions>) =>
    modelsDocument(modelWith({}), served(true, more)).models[0]!.versions[1]!
  expect(second({ held })).toMatchObject({ version: 2, state: 'draining', unloads: [] })
  const [unload] = unloads.get('a v2')!
  expect(second({ unloads })).toMatchObject({ state: 'unloaded', unloads: [unload] })
})

test('modelsDocument() calls poison what has killed replicas', () => {
  const failure = { code: 'VERSION_POISONED', detail: 'Replicas ended' } as const
  const told = { state: 'poison', code: 'VERSION_POISONED', reason: failure.detail }
  expect(versionOne({ failure }, notServed)).toMatchObject(told)
})
