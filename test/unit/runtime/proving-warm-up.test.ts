import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import type { BatchFindings } from '../../../src/runtime/proving-batches.ts'
import type { ProvingTask } from '../../../src/runtime/proving-task.ts'
import { proveWarmups } from '../../../src/runtime/proving-warm-up.ts'
import type { WarmupSample } from '../../../src/shared/warmup-sample.ts'
import { CountingSession, POISON } from '../../helpers/counting-session.ts'
import { makeTempDir } from '../../helpers/temp-dir.ts'

const FINDINGS: BatchFindings = {
  ...{ hasRowDimension: true, batchingAgrees: true, batchCap: 4 },
  ...{ runUsByRows: [], warnings: [] },
}

const sample = (file: string | null, more: Partial<WarmupSample> = {}): WarmupSample => ({
  ...{ name: 's', batchSize: 1, count: 1 },
  inputs: [
    {
      ...{ name: 'x', datatype: 'FP32', dims: [2] },
      data: file === null ? { kind: 'zero' } : { kind: 'file', file },
    },
  ],
  ...more,
})

const floats = (...values: number[]) => new Uint8Array(new Float32Array(values).buffer)
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

let model: string
let proven: string

beforeEach(() => {
  model = makeTempDir('model')
  proven = makeTempDir('proven')
  mkdirSync(join(model, 'warmup/deep'), { recursive: true })
})

const put = (name: string, bytes: Uint8Array) => writeFileSync(join(model, 'warmup', name), bytes)

const prove = (
  warmups: readonly WarmupSample[],
  more: Partial<ProvingTask> = {},
  findings: Partial<BatchFindings> = {},
) => {
  const session = new CountingSession()
  const folders = { scratchFolder: makeTempDir('scratch'), provenFolder: proven }
  const task = { warmups, warmupFolder: join(model, 'warmup'), maxBatchSize: null, ...folders }
  const files = () =>
    proveWarmups(session, { ...task, ...more } as ProvingTask, { ...FINDINGS, ...findings })
  return { session, files }
}

test('proveWarmups() runs samples and keeps a copy of each file', () => {
  const [a, b] = [floats(1, 2), floats(3, 4)]
  put('a', a)
  put('deep/b', b)
  put('like-a', a)
  symlinkSync('a', join(model, 'warmup/link'))
  const names = ['a', 'deep/b', 'like-a', 'link', 'a']
  const { session, files } = prove([sample(null, { batchSize: 9 }), ...names.map((n) => sample(n))])
  expect(files()).toEqual({
    ...{ a: sha256(a), 'deep/b': sha256(b), 'like-a': sha256(a), link: sha256(a) },
  })
  expect(session.runs).toEqual([4, 1, 1, 1, 1, 1])
  expect(readdirSync(proven).sort()).toEqual([`${sha256(a)}.data`, `${sha256(b)}.data`].sort())
  expect(readFileSync(join(proven, `${sha256(b)}.data`)).equals(b)).toBe(true)
})

test('proveWarmups() keeps nothing of a version whose sample fails', () => {
  put('a', floats(1, 2))
  put('poison', floats(POISON, 2))
  expect(prove([sample('a'), sample('poison', { name: 'bad' })]).files).toThrow(
    "The warm-up 'bad' fails: row is poisoned",
  )
  expect(readdirSync(proven)).toEqual([])
})

test.each<readonly [string, string, () => void, string]>([
  ['is not there', 'x', () => {}, 'warmup/x does not exist'],
  ['is below a file', 'a/x', () => put('a', floats(1)), 'warmup/a/x does not exist'],
  ['is a folder', 'deep', () => {}, 'warmup/deep is no file'],
  [
    'is a pipe that nobody writes to',
    'pipe',
    () => void execFileSync('mkfifo', [join(model, 'warmup/pipe')]),
    'warmup/pipe is no file',
  ],
  [
    'is a link out of the model',
    'out',
    () => symlinkSync('/etc/hostname', join(model, 'warmup/out')),
    'warmup/out leads out of its model',
  ],
  [
    'is behind a link out of the model',
    'out/hostname',
    () => symlinkSync('/etc', join(model, 'warmup/out')),
    'warmup/out/hostname leads out of its model',
  ],
  [
    'is a loop of links',
    'loop',
    () => symlinkSync('loop', join(model, 'warmup/loop')),
    'warmup/loop is a loop of links',
  ],
  ['is too short', 'a', () => put('a', floats(1)), "'a' for 'x' has 4 bytes; wanted 8"],
])('proveWarmups() refuses a file that %s', (_, file, make, why) => {
  make()
  expect(prove([sample(file)]).files).toThrow(
    expect.objectContaining({ code: 'WARMUP_FAILED', message: `The warm-up 's' fails: ${why}` }),
  )
})

test('proveWarmups() refuses more rows than max_batch_size, as Triton does', () => {
  const warmups = [sample(null, { batchSize: 3 })]
  expect(prove(warmups, { maxBatchSize: 2 }).files).toThrow(
    "The warm-up 's' fails: its batch_size is 3; max_batch_size is 2",
  )
  expect(prove(warmups, { maxBatchSize: 0 }).files).toThrow('the model is not batched')
  expect(prove(warmups, {}, { hasRowDimension: false }).files).toThrow('is not batched')
  expect(prove(warmups, { maxBatchSize: 3 }).files()).toEqual({})
})
