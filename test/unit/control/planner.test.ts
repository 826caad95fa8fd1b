import { expect, test } from 'vitest'
import type { CatalogModel, CatalogVersion } from '../../../src/control/catalog.ts'
import { batchPolicyOf, chooseVersion, makePlan } from '../../../src/control/planner.ts'
import type { ProvingReport } from '../../../src/runtime/proving-report.ts'
import type { Signature } from '../../../src/shared/tensor.ts'

const signature = (width: number): Signature => ({
  inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, width] }],
  outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 1] }],
})

const report = (more: Partial<ProvingReport> = {}): ProvingReport => ({
  digest: 'd',
  ortVersion: '1',
  signature: signature(2),
  metadata: {},
  opsets: {},
  hasRowDimension: true,
  batchingAgrees: true,
  runUsByRows: [[1, 5]],
  batchCap: 64,
  memoryBytes: 1,
  loadMs: 1,
  provenFile: 'f',
  provenSha256: 's',
  files: {},
  ...more,
})

const CONFIG = { maxBatchSize: null, preferredBatchSize: [], maxQueueDelayUs: 0 }

const entry = (version: number, more: Partial<CatalogVersion> = {}) =>
  ({
    scanned: { version, manifest: null, exampleRow: null, fault: null },
    report: report(),
    failure: null,
    ...more,
  }) as unknown as CatalogVersion

const model = (name: string, aliases: Record<string, number>, entries: CatalogVersion[]) =>
  ({
    scanned: { name, aliases, config: CONFIG, versions: entries.map(({ scanned }) => scanned) },
    versions: new Map(entries.map((each) => [each.scanned.version, each])),
  }) as unknown as CatalogModel

const plan = (models: CatalogModel[], previous: Parameters<typeof makePlan>[0]['previous'] = []) =>
  makePlan({
    models: new Map(models.map((each) => [each.scanned.name, each])),
    defaultEndpoint: null,
    previous,
  })

test.each([
  ['champion when sound', 1, [1, 2], undefined, 1],
  ['the highest without champion', undefined, [1, 3], 1, 3],
  ['what serves when the champion is broken', 4, [1, 2], 1, 1],
  ['the highest when nothing serves either', 4, [1, 2], undefined, 2],
  ['nothing when nothing is sound', 1, [], 1, null],
] as const)('chooseVersion() takes %s', (_, champion, sound, serving, wanted) => {
  expect(chooseVersion(champion, sound, serving)).toBe(wanted)
})

test('makePlan() sends an implicit endpoint to its champion and can pin the rest', () => {
  const { body } = plan([model('a', { champion: 1 }, [entry(1), entry(2)])])
  expect(body.endpoints).toMatchObject([
    { name: 'a', revision: 1, variants: [{ name: 'v1', version: 1, weightBp: 10_000 }] },
  ])
  expect(body.versions.map(({ version }) => version)).toEqual([1, 2])
  expect(body.defaultEndpoint).toBe('a')
})

test('makePlan() has no default endpoint among several', () => {
  const { body } = plan([model('a', {}, [entry(1)]), model('b', {}, [entry(1)])])
  expect(body.defaultEndpoint).toBeNull()
})

test('makePlan() names a model without a sound version as unavailable', () => {
  const failure = { code: 'MODEL_INVALID' as const, detail: 'x' }
  const { body } = plan([model('a', {}, [entry(1, { failure, report: null })])])
  expect(body).toMatchObject({ endpoints: [], versions: [], unavailable: ['a'] })
})

test('makePlan() leaves out a version that cannot keep the contract', () => {
  const other = entry(2, { report: report({ signature: signature(3) }) })
  const { body, unbound } = plan([model('a', { champion: 1 }, [entry(1), other])])
  expect(body.versions.map(({ version }) => version)).toEqual([1])
  expect(unbound).toMatchObject([{ model: 'a', version: 2, code: 'BINDING_FAILED' }])
})

test('makePlan() raises the revision only when the endpoint changes', () => {
  const first = plan([model('a', { champion: 1 }, [entry(1), entry(2)])]).body
  const same = plan([model('a', { champion: 1 }, [entry(1), entry(2)])], first.endpoints).body
  expect(same).toEqual(first)
  const moved = plan([model('a', { champion: 2 }, [entry(1), entry(2)])], first.endpoints).body
  expect(moved.endpoints[0]!.revision).toBe(2)
})

test.each([
  ['the measured cap', {}, {}, { rowsMax: 64, mixesRequests: true }],
  ['less when model.yaml says so', {}, { maxBatchSize: 8 }, { rowsMax: 8 }],
  ['no more than the cap', {}, { maxBatchSize: 999 }, { rowsMax: 64 }],
  ['alone when max_batch_size is 0', {}, { maxBatchSize: 0 }, { rowsMax: 0, mixesRequests: false }],
  ['alone without row dimension', { hasRowDimension: false }, {}, { rowsMax: 0 }],
  ['apart when answers differ', { batchingAgrees: false }, {}, { mixesRequests: false }],
])('batchPolicyOf() batches %s', (_, measured, config, wanted) => {
  expect(batchPolicyOf(report(measured), { ...CONFIG, ...config } as never)).toMatchObject(wanted)
})
