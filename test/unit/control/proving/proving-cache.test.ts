import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ProvingCache, provingKey } from '../../../../src/control/proving/proving-cache.ts'
import type { GpuFindings } from '../../../../src/runtime/proving-report.ts'
import { provingReport } from '../../../helpers/proving-report.ts'
import { makeTempDir } from '../../../helpers/temp-dir.ts'

const [SHA, OTHER] = ['a'.repeat(64), 'b'.repeat(64)]
const parts = {
  model: 'm',
  proving: 1,
  ortVersion: '1',
  cpu: 'c',
  gpu: null,
  settings: { rowsMax: 1 },
}
const KEY = provingKey(parts)
const any = async () => true

const report = (provenSha256 = SHA) => provingReport({ provenSha256 })

/** A cache that holds one report and its copy. */
const makeCache = () => {
  const cache = new ProvingCache(join(makeTempDir(), 'proven'))
  cache.store(KEY, report())
  writeFileSync(cache.copyFile(SHA), 'copy')
  return cache
}

test.each([
  ['model', { model: 'n' }],
  ['proving', { proving: 2 }],
  ['ONNX Runtime', { ortVersion: '2' }],
  ['processor', { cpu: 'd' }],
  ['set of GPUs', { gpu: 'g' }],
  ['settings', { settings: { rowsMax: 2 } }],
])('provingKey() is another for another %s', (_, more) => {
  expect(provingKey({ ...parts, ...more })).not.toBe(KEY)
})

test('find() gives what was stored, with the copy where it lies now', async () => {
  const cache = makeCache()
  const provenFile = join(cache.folder, `${SHA}.onnx`)
  expect(await cache.find(KEY, any)).toEqual({ ...report(), provenFile })
  expect(await cache.find(provingKey({ ...parts, model: 'n' }), any)).toBeNull()
})

test('find() takes a report about a GPU, and none whose findings are damaged', async () => {
  const cache = makeCache()
  const operators = { gpu: 2, cpu: 1 }
  const sound: GpuFindings[] = [
    { use: 'used', operators, memoryBytes: 7, isMemoryOfAll: false },
    { use: 'used', operators: null, memoryBytes: null, isMemoryOfAll: false },
    { use: 'idle', operators: { gpu: 0, cpu: 3 }, memoryBytes: null, isMemoryOfAll: false },
  ]
  for (const gpu of sound) {
    cache.store(KEY, { ...report(), gpu })
    expect(await cache.find(KEY, any)).toMatchObject({ gpu })
  }
  const used = sound[0]
  for (const wrong of [
    { ...used, use: 'unavailable' }, // never stored: what was missing may have come
    { ...used, use: 1 },
    { ...used, operators: {} },
    { ...used, operators: { gpu: 1 } },
    { ...used, memoryBytes: '7' },
    { ...used, memoryBytes: undefined },
    { ...used, isMemoryOfAll: undefined },
  ]) {
    cache.store(KEY, { ...report(), gpu: wrong as GpuFindings })
    expect(await cache.find(KEY, any)).toBeNull()
  }
})

test('find() gives the report that is sound of several that have one key', async () => {
  const cache = makeCache()
  cache.store(KEY, report(OTHER))
  const isOther = async ({ provenSha256 }: { provenSha256: string }) => provenSha256 === OTHER
  expect(await cache.find(KEY, isOther)).toMatchObject({ provenSha256: OTHER })
  expect(await cache.find(KEY, async () => false)).toBeNull()
})

test('find() takes no report that is damaged in any way', async () => {
  const cache = makeCache()
  const file = join(cache.folder, `${KEY}-${SHA}.json`)
  const whole = readFileSync(file, 'utf8')
  const stored = JSON.parse(whole) as { report: Record<string, unknown> }
  for (const key of Object.keys(stored.report).filter((each) => each !== 'provenFile')) {
    for (const wrong of [undefined, null, {}, [null], 'x', -1]) {
      if (key === 'digest' && wrong === 'x') continue
      if (key === 'provenSha256' && wrong === 'x') continue
      if (key === 'gpu' && wrong === null) continue
      if (
        ['files', 'metadata', 'opsets', 'warmupFiles'].includes(key) &&
        JSON.stringify(wrong) === '{}'
      )
        continue
      const report = { ...stored.report, [key]: wrong }
      writeFileSync(file, JSON.stringify({ ...stored, report }))
      expect(await cache.find(KEY, any), `${key}: ${wrong}`).toBeNull()
    }
  }
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: whole.length - 2 }), async (length) => {
      writeFileSync(file, whole.slice(0, length))
      expect(await cache.find(KEY, any)).toBeNull()
    }),
  )
  rmSync(cache.folder, { recursive: true })
  expect(await cache.find(KEY, any)).toBeNull()
})

test('sweep() leaves what is named and what this process has used, and nothing else of ours', () => {
  const cache = makeCache()
  cache.store(KEY, report(OTHER))
  writeFileSync(cache.copyFile(OTHER), 'copy')
  writeFileSync(join(cache.folder, `${'0'.repeat(32)}.json`), 'of an earlier release')
  writeFileSync(join(cache.folder, `${'0'.repeat(32)}-${SHA}.json`), 'of earlier settings')
  writeFileSync(join(cache.folder, 'notes.txt'), 'of somebody else')
  cache.sweep(new Set([SHA]))
  const left = [`${SHA}.onnx`, `${KEY}-${SHA}.json`, 'notes.txt']
  expect(readdirSync(cache.folder).sort()).toEqual(left.sort())
  cache.sweep(new Set())
  expect(readdirSync(cache.folder)).toEqual(['notes.txt'])
})
