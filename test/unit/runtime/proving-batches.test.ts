import { describe, expect, test } from 'vitest'
import { type BatchLimits, proveBatching } from '../../../src/runtime/proving-batches.ts'
import { exampleInputs } from '../../../src/runtime/proving-inputs.ts'
import { CPU_TOLERANCE, GPU_TOLERANCE, tryRows } from '../../../src/runtime/self-test.ts'
import { createSession } from '../../../src/runtime/session.ts'
import type { Session } from '../../../src/runtime/session-types.ts'
import type { Tensor, TensorSignature } from '../../../src/shared/tensor.ts'
import {
  columnMean,
  firstRow,
  rowNumber,
  scaledMean,
  tailSum,
  twoForOne,
} from '../../helpers/leaky-models.ts'
import { batchMean, gather, identity, mlp, scaleAdd } from '../../helpers/models.ts'
import { ELEMENT } from '../../helpers/onnx-writer.ts'

const MIB = 1024 * 1024

const LIMITS: BatchLimits = {
  ...{ maxBatchSize: null, rowsMax: 256, memoryBytesMax: 1024 * MIB },
  tolerance: CPU_TOLERANCE,
}

/** Time and memory that a model uses up by itself. */
class World {
  ms = 0
  bytes = 0
  workedMs = () => this.ms
  residentBytes = () => this.bytes
}

interface Behaviour {
  /** Milliseconds of a run. */
  readonly cost?: (rows: number) => number
  /** Megabytes of memory after a run. */
  readonly memory?: (rows: number) => number
  readonly answer?: (values: Float32Array, width: number) => Tensor[]
  readonly width?: number
  readonly outputs?: readonly TensorSignature[]
}

const floats = (values: readonly number[], shape = [values.length, 1]): Tensor => ({
  datatype: 'FP32',
  shape,
  data: Float32Array.from(values),
})

/** Rows of `width` floats; the answer to a row is its first. */
const firstColumn = (values: Float32Array, width: number): Tensor[] => [
  floats([...values].filter((_, i) => i % width === 0)),
]

const find = (behaviour: Behaviour, limits: Partial<BatchLimits> = {}, tried = 4) => {
  const world = new World()
  const sizes: number[] = []
  const { width = 1, cost = () => 0.01, memory, answer = firstColumn } = behaviour
  const session: Session = {
    signature: {
      inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, width] }],
      outputs: behaviour.outputs ?? [{ name: 'y', datatype: 'FP32', shape: [-1, 1] }],
    },
    run: ([input]) => {
      const rows = input!.shape[0]!
      sizes.push(rows)
      world.ms += cost(rows)
      world.bytes = Math.max(world.bytes, (memory?.(rows) ?? 0) * MIB)
      return answer(input!.data as Float32Array, width)
    },
    dispose: () => {},
  }
  const rows =
    tried === 0 ? [] : tryRows(session, exampleInputs(session.signature, null, null), tried)
  sizes.length = 0
  const startedMs = world.ms
  const findings = proveBatching(session, rows, { ...LIMITS, ...limits }, world)
  return { ...findings, sizes: [...new Set(sizes)], tookMs: world.ms - startedMs }
}

const sizesOf = ({ runUsByRows }: { runUsByRows: readonly (readonly [number, number])[] }) =>
  runUsByRows.map(([rows]) => rows)

describe('proveBatching() measures', () => {
  test.each([
    [20, 'a slow one'],
    [200, 'a very slow one'],
    [0.1, 'a quick one'],
  ])('a run that costs %s ms whatever its size up to the largest batch', (cost) => {
    const found = find({ cost: (rows) => cost + rows * 0.001 })
    expect(found.batchCap).toBe(256)
    expect(sizesOf(found)).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256])
    expect(found.tookMs).toBeLessThan(3500)
  })

  test('no further where two doublings have brought next to nothing', () => {
    const found = find({ cost: (rows) => 1 + rows })
    expect(sizesOf(found)).toEqual([1, 2, 4, 8, 16, 32])
    expect(found.batchCap).toBe(8)
    const flat = find({ cost: (rows) => rows })
    expect(sizesOf(flat)).toEqual([1, 2, 4])
    expect(flat.batchCap).toBe(1)
  })

  test('as far as there is time for', () => {
    const found = find({ cost: () => 1000 })
    expect(sizesOf(found)).toEqual([1, 2, 4, 8])
    expect(found.tookMs).toBeLessThan(5000)
    expect(sizesOf(find({ cost: (rows) => rows * 3000 }))).toEqual([1])
  })

  test('a size of no power of two when it is the largest', () => {
    expect(sizesOf(find({}, { rowsMax: 100 })).at(-1)).toBe(100)
    expect(sizesOf(find({}, { maxBatchSize: 5 }))).toEqual([1, 2, 4, 5])
  })

  test('max_batch_size although smaller batches cost as much, and takes it', () => {
    const found = find({ cost: (rows) => rows }, { maxBatchSize: 64 })
    expect(sizesOf(found)).toEqual([1, 2, 4, 64])
    expect(found).toMatchObject({ batchCap: 64, batchingAgrees: true })
  })

  test.each([0, 1])('one row only with a max_batch_size of %i', (maxBatchSize) => {
    const found = find({}, { maxBatchSize })
    expect(found.sizes).toEqual([1])
    expect(found).toMatchObject({ batchCap: 1, batchingAgrees: true, warnings: [] })
  })

  test('no batch that the model refuses', () => {
    const answer = (values: Float32Array) => {
      if (values.length > 8) throw new Error('too many')
      return firstColumn(values, 1)
    }
    expect(find({ answer })).toMatchObject({ batchCap: 8, batchingAgrees: true })
    expect(find({ answer }, { maxBatchSize: 64 })).toMatchObject({ batchCap: 8 })
  })

  test('nothing that could take too much memory', () => {
    const row = { width: 12 * 1024 } // of 48 KiB
    const found = find(row, { memoryBytesMax: MIB })
    expect(found.sizes).toEqual([1, 2])
    const small = find(row, { memoryBytesMax: MIB / 2 })
    expect(small.sizes).toEqual([1])
    expect(small).toMatchObject({ batchCap: 1, batchingAgrees: false })
    expect(small.warnings).toEqual([expect.stringMatching(/too much to try/)])
    const greedy = find({ memory: (rows) => rows * 100 })
    expect(greedy.sizes).toEqual([1, 2, 4, 8])
  })
})

describe('proveBatching() tests', () => {
  let runs = 0
  const differs = { batchingAgrees: false, warnings: [expect.stringMatching(/differ/)] }

  test.each<[string, (values: number[]) => number[]]>([
    ['a leak', (values) => values.map((x) => x + values.length * 1e-3)],
    ['the order of rows', (values) => [...values].reverse()],
    ['NaN in batches', (values) => values.map((x) => (values.length > 1 ? Number.NaN : x))],
    ['a leak from row 8 on', (values) => values.map((x, i) => x + (values[i + 8] ?? 0))],
    ['a leak from far away', (values) => values.map((x, i) => x + (values[i - 200] ?? 0) * 1e-3)],
    ['rows shifted by 64', (values) => values.map((_, i) => values[(i + 64) % values.length]!)],
    ['answers that change by themselves', (values) => values.map((x) => x + runs++)],
  ])('%s', (_what, answer) => {
    const found = find({ answer: (values) => [floats(answer([...values]))] })
    expect(found).toMatchObject({ hasRowDimension: true, ...differs })
    expect(found.batchCap).toBeGreaterThan(1) // its rows are still decoded into one buffer
  })

  test('rows that differ as TF32 has them differ, on a GPU alone', () => {
    const width = 4
    // As far off in every column, of which one is next to nothing.
    const answer = (values: Float32Array): Tensor[] => {
      const off = values.length > width ? 1e-3 : 0
      const rows = values.length / width
      return [
        floats(
          [...values].map((x, i) => x * (i % width === 3 ? 1e-3 : 1) + off),
          [rows, width],
        ),
      ]
    }
    const onGpu = find({ answer, width }, { tolerance: GPU_TOLERANCE })
    expect(onGpu).toMatchObject({ batchingAgrees: true, warnings: [] })
    expect(find({ answer, width })).toMatchObject(differs)
  })

  test('a leak on a GPU', () => {
    const leaks = (share: number) => (values: Float32Array) => [
      floats([...values].map((x) => x + (share * values.reduce((a, b) => a + b)) / values.length)),
    ]
    const limits = { tolerance: GPU_TOLERANCE }
    expect(find({ answer: leaks(0.05) }, limits)).toMatchObject(differs)
    expect(find({ answer: leaks(0) }, limits)).toMatchObject({ batchingAgrees: true })
  })

  test('what a model that takes one row at a time answers to it', () => {
    const oneByOne = (change: () => number) => (values: Float32Array) => {
      if (values.length > 1) throw new Error('one at a time')
      return [floats([values[0]! + change()])]
    }
    const steady = find({ answer: oneByOne(() => 0) })
    expect(steady).toMatchObject({ batchCap: 1, batchingAgrees: true, warnings: [] })
    expect(find({ answer: oneByOne(() => runs++) })).toMatchObject({ batchCap: 1, ...differs })
  })

  test.each<[string, (values: number[]) => Tensor]>([
    ['two rows for each', (values) => floats([...values, ...values])],
    ['one row for all', (values) => floats([values[0]!])],
    ['no row', () => floats([])],
    ['fewer rows', (values) => floats(values.slice(0, 3))],
    ['fewer rows only when there are 200', (values) => floats(values.slice(0, 200))],
  ])('%s, and takes the model for one without rows', (_what, answer) => {
    const found = find({ answer: (values) => [answer([...values])] })
    expect(found).toMatchObject({
      hasRowDimension: false,
      batchingAgrees: false,
      batchCap: 0,
      warnings: [expect.stringMatching(/one row for each row/)],
    })
    expect(sizesOf(found)).toEqual([1])
  })

  test('no batch of copies of one row, which would hide a leak', () => {
    const found = find({}, {}, 1)
    expect(found.batchingAgrees).toBe(false)
    expect(found.warnings).toEqual([expect.stringMatching(/refused every variation/)])
  })

  test('nothing where every row was refused', () => {
    const found = find({}, {}, 0)
    expect(found).toMatchObject({ hasRowDimension: true, batchingAgrees: false, runUsByRows: [] })
    expect(found.warnings).toEqual([expect.stringMatching(/made-up.*example_row/)])
    expect(found.batchCap).toBe(1)
  })

  test.each([[[1]], [[]], [[3, -1]]])('no batch where an output has the shape %j', (shape) => {
    const outputs: TensorSignature[] = [
      { name: 'y', datatype: 'FP32', shape: [-1, 1] },
      { name: 'label', datatype: 'FP32', shape },
    ]
    const found = find({ outputs, answer: (values) => [floats([...values]), floats([...values])] })
    expect(found).toMatchObject({ hasRowDimension: false, batchCap: 0 })
    expect(found.warnings).toEqual([expect.stringMatching(/output 'label' is exported without/)])
    expect(found.sizes).toEqual([1])
  })
})

/** What is found of a real model, tried with a row of zeros and variations of it. */
const findIn = (bytes: Uint8Array, tolerance = CPU_TOLERANCE) => {
  const session = createSession(bytes)
  const tried = tryRows(session, exampleInputs(session.signature, null, null), 8)
  let ms = 0
  // Every run takes the same time, so that larger ones pay.
  const gauge = { workedMs: () => ms++ / 100, residentBytes: () => 0 }
  return proveBatching(session, tried, { ...LIMITS, rowsMax: 32, tolerance }, gauge)
}

const { FP32, FP64, INT64, UINT8, BOOL } = ELEMENT

test.each([
  ['a network', mlp(), true],
  ['arithmetic', scaleAdd(), true],
  ['text', identity('BYTES'), true],
  ['64-bit numbers', identity('UINT64'), true],
  ['booleans', identity('BOOL'), true],
  ['a table', gather(), true],
  ['small numbers', scaledMean(1e-9), false],
  ['numbers of rows', rowNumber(), false],
  ['what comes after row 8', tailSum(), false],
  ['the mean of the batch', batchMean(), false],
])('proveBatching() of a model of %s', (_what, bytes, verdict) => {
  for (const tolerance of [CPU_TOLERANCE, GPU_TOLERANCE]) {
    expect(findIn(bytes, tolerance)).toMatchObject({
      hasRowDimension: true,
      batchingAgrees: verdict,
    })
  }
})

test.each([
  ['FP32', FP32],
  ['FP64', FP64],
  ['INT64', INT64],
  ['UINT8', UINT8],
  ['BOOL', BOOL],
])('proveBatching() notices what leaks from any column of %s', (_name, element) => {
  for (let column = 0; column < 16; column++) {
    const found = findIn(columnMean(column, 16, element))
    expect(found, `column ${column}`).toMatchObject({ batchingAgrees: false })
  }
})

test.each([
  ['two rows for one', twoForOne()],
  ['the first row only', firstRow()],
])('proveBatching() of a model that answers %s', (_what, bytes) => {
  const warnings = [expect.stringMatching(/one row for each row/)]
  expect(findIn(bytes)).toMatchObject({ hasRowDimension: false, batchCap: 0, warnings })
})
