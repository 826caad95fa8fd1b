import { expect, test } from 'vitest'
import { renderModels } from '../../../src/cli/models.ts'
import type { VersionStatus } from '../../../src/control/api/status-document.ts'
import { DEFAULT_SESSION, type SessionSettings } from '../../../src/shared/session-settings.ts'

const version = (more: Partial<VersionStatus>): VersionStatus => ({
  version: 1,
  state: 'available',
  aliases: ['champion'],
  code: null,
  reason: null,
  digest: null,
  signature: { inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 3] }], outputs: [] },
  batching: { rowsMax: 32, mixesRequests: true, preferredRows: [], queueDelayUsMax: 0 },
  session: DEFAULT_SESSION,
  placement: { kind: 'pooled', instances: 2, reason: 'pooled: a run takes 7 ms' },
  runUs: { oneRow: 50.4, fullBatch: 70 },
  memoryBytes: 2 * 1024 * 1024,
  gpu: null,
  unloads: [],
  warnings: [],
  ...more,
})

const page = (...versions: VersionStatus[]): string =>
  renderModels({ models: [{ name: 'iris', aliases: {}, versions }] }, [])

test('renderModels() shows a version in a line, and reasons below', () => {
  const failed = { state: 'failed', aliases: [], signature: null, placement: null } as const
  expect(
    page(
      version({ warnings: ['no manifest.json'] }),
      version({
        version: 2,
        ...failed,
        batching: null,
        runUs: null,
        memoryBytes: null,
        code: 'X',
        reason: 'bad',
      }),
    ),
  ).toBe(`MODEL  VERSION  STATE      ALIASES   BATCH     PLACE       RUN 1 / FULL  MEMORY   INPUTS
iris   1        available  champion  up to 32  pooled x 2  50 / 70 us    2.0 MiB  x FP32[-1,3]
iris   2        failed

· iris v1: pooled: a run takes 7 ms
⚠ iris v1: no manifest.json
✖ iris v2: X: bad`)
})

test.each([
  [{ rowsMax: 0, mixesRequests: false }, 'alone'],
  [{ rowsMax: 8, mixesRequests: false }, 'one request'],
])('renderModels() says how requests are batched', (batching, expected) => {
  const policy = { preferredRows: [], queueDelayUsMax: 0, ...batching }
  expect(page(version({ batching: policy }))).toContain(expected)
})

test('renderModels() shows the name of an input without what moves a cursor', () => {
  const inputs = [{ name: 'x\u001b]0;t\u0007', datatype: 'FP32' as const, shape: [1] }]
  expect(page(version({ signature: { inputs, outputs: [] } }))).toContain('x�]0;t� FP32[1]')
})

test('renderModels() of a repository without models says why', () => {
  expect(renderModels({ models: [] }, [])).toBe('no models\n  the repository is empty')
  expect(renderModels({ models: [] }, ['cannot be read'])).toBe('no models\n⚠ cannot be read')
})

test('renderModels() says what runs on a GPU, and what was asked for and is not there', () => {
  const session: SessionSettings = { ...DEFAULT_SESSION, providers: ['cuda', 'cpu'] }
  const operators = { gpu: 12, cpu: 2 }
  const mib96 = { memoryBytes: 96 * 1024 * 1024, isMemoryOfAll: false }
  const used = { use: 'used', operators, ...mib96 } as const
  const onGpu = page(version({ session, gpu: used }))
  expect(onGpu).toContain('pooled x 2, GPU')
  expect(onGpu).toContain(
    '· iris v1: the GPU runs 12 of 14 operators; a session takes 96.0 MiB of its memory',
  )
  expect(page(version({ session, gpu: { ...used, isMemoryOfAll: true } }))).toContain(
    'operators; while it was proved, all programs took 96.0 MiB of its memory',
  )
  expect(
    page(version({ session, gpu: { ...used, operators: null, memoryBytes: null } })),
  ).toContain(', GPU')
  const absent = {
    use: 'unavailable',
    operators: null,
    memoryBytes: null,
    isMemoryOfAll: false,
  } as const
  const onCpu = page(version({ gpu: absent, warnings: ['it asks for a GPU'] }))
  expect(onCpu).not.toContain(', GPU')
  expect(onCpu).toContain('⚠ iris v1: it asks for a GPU')
})
