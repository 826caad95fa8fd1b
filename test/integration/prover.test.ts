import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadProven } from '../../src/runtime/load-proven.ts'
import { exampleInputs, stackInputs, variedInputs } from '../../src/runtime/proving-inputs.ts'
import { createSession } from '../../src/runtime/session.ts'
import type { Manifest } from '../../src/shared/manifest.ts'
import { DEFAULT_SESSION, type SessionSettings } from '../../src/shared/session-settings.ts'
import { firstRow, fixedLabel, oneEntryTable, rowMean, twoForOne } from '../helpers/leaky-models.ts'
import {
  batchMean,
  convolution,
  gather,
  identity,
  mlp,
  ownFunction,
  parseNumber,
  scaleAdd,
} from '../helpers/models.ts'
import { entryOf, LIMITS, makeProver, publish, reportOf } from '../helpers/prover.ts'
import { makeTempDir } from '../helpers/temp-dir.ts'

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const NEVER = entryOf('process.exit(9)')

describe('prove() of sound models', () => {
  test('reports what it found, and leaves a copy and nothing else', async () => {
    const folder = makeTempDir()
    const bytes = mlp()
    const report = reportOf(await makeProver({}, folder).prove(publish(bytes)))
    expect(report).toMatchObject({
      digest: sha256(bytes),
      files: { 'model.onnx': sha256(bytes) },
      signature: {
        inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 30] }],
        outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 1] }],
      },
      opsets: { '': 17 },
      hasRowDimension: true,
      batchingAgrees: true,
      warnings: [],
    })
    const sizes = report.runUsByRows.map(([rows]) => rows)
    expect(sizes).toEqual([1, 2, 4, 8, 16].slice(0, sizes.length))
    expect(report.runUsByRows.every(([, us]) => us > 0)).toBe(true)
    expect(sizes).toContain(report.batchCap)
    expect(report.memoryBytes).toBeGreaterThan(bytes.length)
    expect(report.memoryBytes).toBeLessThan(32 * 1024 * 1024)
    expect(sha256(readFileSync(report.provenFile))).toBe(report.provenSha256)
    expect(readdirSync(join(folder, 'proven')).sort()).toHaveLength(2)
    expect(readdirSync(join(folder, 'proving'))).toEqual([])
  })

  test.each([
    ['an MLP', mlp()],
    ['a convolution', convolution()],
    ['a function of its own', ownFunction()],
    ['text', identity('BYTES')],
  ])('writes a copy of %s that is optimised and answers the same', async (_what, bytes) => {
    const report = reportOf(await makeProver().prove(publish(bytes)))
    const original = createSession(bytes)
    const proven = loadProven(report.provenFile, report.provenSha256, DEFAULT_SESSION)
    const row = exampleInputs(original.signature, null, null)
    const inputs = stackInputs([row, variedInputs(row, 1), variedInputs(row, 2)], 7)
    expect(proven.run(inputs)).toEqual(original.run(inputs))
  })

  test('keeps the fusions of the optimiser in the copy', async () => {
    const prover = makeProver()
    const copyOf = async (bytes: Uint8Array) => {
      const { provenFile } = reportOf(await prover.prove(publish(bytes)))
      return readFileSync(provenFile, 'latin1')
    }
    expect(await copyOf(mlp())).toContain('FusedGemm')
    expect(await copyOf(convolution())).toContain('com.microsoft.nchwc')
  })

  test('optimises the copy as far as its session settings say', async () => {
    const prover = makeProver()
    const isFused = async (graphOptimization: SessionSettings['graphOptimization']) => {
      const session = { ...DEFAULT_SESSION, graphOptimization }
      const { provenFile } = reportOf(await prover.prove({ ...publish(mlp()), session }))
      return readFileSync(provenFile, 'latin1').includes('FusedGemm')
    }
    expect(await isFused('all')).toBe(true)
    expect(await isFused('extended')).toBe(true)
    expect(await isFused('basic')).toBe(false)
    expect(await isFused('disabled')).toBe(false)
  })

  test('measures and serves with threads, modes and memory as they are set', async () => {
    const session: SessionSettings = {
      ...{ intraOpThreads: 2, interOpThreads: 0, executionMode: 'parallel' },
      ...{ graphOptimization: 'basic', memoryArena: false, memoryPattern: false },
      providers: ['cpu'],
      cuda: null,
    }
    const bytes = mlp()
    const report = reportOf(await makeProver().prove({ ...publish(bytes), session }))
    expect(report).toMatchObject({ batchingAgrees: true, warnings: [] })
    const proven = loadProven(report.provenFile, report.provenSha256, session)
    const row = exampleInputs(proven.signature, null, null)
    expect(proven.run(row)[0]?.data).toHaveLength(1)
  })

  test('answers from the cache without a process', async () => {
    const folder = makeTempDir()
    const subject = publish(scaleAdd())
    const first = await makeProver({}, folder).prove(subject)
    expect(await makeProver({ entry: NEVER }, folder).prove(subject)).toEqual(first)
    const elsewhere = publish(scaleAdd())
    expect(await makeProver({ entry: NEVER }, folder).prove(elsewhere)).toEqual(first)
  })

  test('proves again when anything that matters has changed', async () => {
    const folder = makeTempDir()
    const subject = publish(scaleAdd())
    reportOf(await makeProver({}, folder).prove(subject))
    const stale = makeProver({ entry: NEVER }, folder)
    const crashed = { code: 'PROVING_CRASHED' }
    expect(await stale.prove({ ...subject, maxBatchSize: 4 })).toMatchObject(crashed)
    const session = { ...DEFAULT_SESSION, memoryArena: false }
    expect(await stale.prove({ ...subject, session })).toMatchObject(crashed)
    expect(await stale.prove({ ...subject, exampleRow: { a: 1 } })).toMatchObject(crashed)
    expect(await stale.prove(publish(scaleAdd(4)))).toMatchObject(crashed)
    const newer = makeProver({ entry: NEVER, ortVersion: 'newer' }, folder)
    expect(await newer.prove(subject)).toMatchObject(crashed)
    const memoryBytesMax = LIMITS.memoryBytesMax / 2
    const smaller = makeProver({ entry: NEVER, limits: { ...LIMITS, memoryBytesMax } }, folder)
    expect(await smaller.prove(subject)).toMatchObject(crashed)
  })

  test.each([
    ['report', (names: string[]) => names.find((name) => name.endsWith('.json'))!],
    ['copy', (names: string[]) => names.find((name) => name.endsWith('.onnx'))!],
  ])('proves again when the cached %s is damaged', async (_what, choose) => {
    const folder = makeTempDir()
    const subject = publish(scaleAdd())
    const prover = makeProver({}, folder)
    const first = reportOf(await prover.prove(subject))
    const proven = join(folder, 'proven')
    writeFileSync(join(proven, choose(readdirSync(proven))), 'damaged')
    const again = reportOf(await prover.prove(subject))
    expect(again.provenSha256).toBe(first.provenSha256)
    expect(sha256(readFileSync(again.provenFile))).toBe(again.provenSha256)
  })

  test('proves versions that are the same only once, and many of them in turn', async () => {
    const folder = makeTempDir()
    const counting = entryOf(
      `import { mkdtempSync } from 'node:fs'; mkdtempSync(${JSON.stringify(`${folder}/run-`)})`,
      true,
    )
    const prover = makeProver({ entry: counting }, folder)
    const models = [scaleAdd(1), scaleAdd(2), scaleAdd(1), scaleAdd(3), scaleAdd(1)]
    const results = await Promise.all(models.map((bytes) => prover.prove(publish(bytes))))
    expect(results.map((result) => reportOf(result).digest)).toEqual(models.map(sha256))
    expect(readdirSync(folder).filter((name) => name.startsWith('run-'))).toHaveLength(3)
  })

  test('clears what a crash has left behind', async () => {
    const folder = makeTempDir()
    mkdirSync(join(folder, 'proving/1-1/published'), { recursive: true })
    writeFileSync(join(folder, 'proving/1-1/published/model.onnx'), 'stale')
    reportOf(await makeProver({}, folder).prove(publish(scaleAdd())))
    expect(readdirSync(join(folder, 'proving'))).toEqual([])
  })
})

describe('prove() of batching', () => {
  const prove = async (bytes: Uint8Array, maxBatchSize: number | null = null) =>
    reportOf(await makeProver().prove({ ...publish(bytes), maxBatchSize }))

  test('notices rows that depend on their company', async () => {
    expect(await prove(batchMean())).toMatchObject({ hasRowDimension: true, batchingAgrees: false })
  })

  test('notices rows that are refused only because of what was made up for them', async () => {
    expect(await prove(gather())).toMatchObject({ batchingAgrees: true })
  })

  test('serves a model that refuses made-up rows, unbatched', async () => {
    const unknown = { batchingAgrees: false, runUsByRows: [], batchCap: 1 }
    const report = await prove(parseNumber())
    expect(report).toMatchObject(unknown)
    expect(report.warnings).toEqual([expect.stringMatching(/made-up/)])
  })

  test('does not batch a model that answers one row only', async () => {
    const report = await prove(oneEntryTable())
    expect(report).toMatchObject({ hasRowDimension: true, batchingAgrees: false })
    expect(report.warnings).toEqual([expect.stringMatching(/refused every variation/)])
  })

  test('finds no row dimension where answers have other rows than inputs', async () => {
    for (const bytes of [twoForOne(), firstRow()]) {
      const report = await prove(bytes)
      expect(report).toMatchObject({ hasRowDimension: false, batchCap: 0 })
      expect(report.warnings).toEqual([expect.stringMatching(/one row for each row/)])
    }
  })

  test('says what one line in the export costs', async () => {
    const report = await prove(fixedLabel())
    expect(report).toMatchObject({ hasRowDimension: false, batchCap: 0 })
    expect(report.warnings).toEqual([expect.stringMatching(/output 'label' is exported without/)])
  })

  test('stays below the limit of memory with rows of 12 MiB', async () => {
    const memoryBytesMax = 512 * 1024 * 1024
    const prover = makeProver({ limits: { ...LIMITS, memoryBytesMax } })
    const report = reportOf(await prover.prove(publish(rowMean([3, 1024, 1024]))))
    expect(report.runUsByRows.map(([rows]) => rows).at(-1)).toBeLessThanOrEqual(4)
  })

  test('finds no row dimension in scalars and fixed shapes', async () => {
    for (const shape of [[], [3], [1, 30]]) {
      const report = await prove(identity('FP32', shape))
      expect(report).toMatchObject({ hasRowDimension: false, batchCap: 0 })
      expect(report.runUsByRows).toHaveLength(1)
    }
  })

  test.each([
    [0, [1]],
    [1, [1]],
    [4, [1, 2, 4]],
    [5, [1, 2, 4, 5]],
  ])('measures no more rows than max_batch_size %i allows', async (maxBatchSize, rows) => {
    const report = await prove(scaleAdd(), maxBatchSize)
    expect(report.runUsByRows.map(([count]) => count)).toEqual(rows)
    expect(report).toMatchObject({ batchingAgrees: true, batchCap: rows.at(-1) })
  })
})

describe('prove() with a manifest', () => {
  const bytes = parseNumber()
  const manifest: Manifest = {
    digest: sha256(bytes),
    features: [
      { name: 'a', type: 'category', tensor: 'x', column: 0, optional: false, missing: '' },
    ],
    task: 'regression',
    score: { output: 'y', column: 0 },
  }
  const prove = (more: Partial<Manifest>, a = '1.5') =>
    makeProver().prove({
      ...publish(bytes),
      manifest: { ...manifest, ...more },
      exampleRow: { a },
    })

  test('tries the example row', async () => {
    const report = reportOf(await prove({}))
    expect(report).toMatchObject({ batchingAgrees: true, hasRowDimension: true })
    expect(report.runUsByRows.length).toBeGreaterThan(1)
  })

  test('fails a version that refuses its own example row', async () => {
    const detail = expect.stringMatching(/^It fails on the example row: .*stod/)
    expect(await prove({}, 'not a number')).toEqual({ code: 'MODEL_INVALID', detail })
  })

  test('fails a version whose manifest is for something else', async () => {
    expect(await prove({ digest: sha256(mlp()) })).toMatchObject({ code: 'DIGEST_MISMATCH' })
    const code = 'MANIFEST_INVALID'
    const wrongColumn = { ...manifest.features[0]!, column: 7 }
    expect(await prove({ features: [wrongColumn] })).toMatchObject({ code })
    expect(await prove({ score: { output: 'z', column: 0 } })).toMatchObject({ code })
  })
})
