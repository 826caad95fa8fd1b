import { describe, expect, test } from 'vitest'
import { proveBatching } from '../../../../src/runtime/proving-batches.ts'
import { exampleInputs } from '../../../../src/runtime/proving-inputs.ts'
import { CPU_TOLERANCE, tryRows } from '../../../../src/runtime/self-test.ts'
import { createSession } from '../../../../src/runtime/session.ts'
import type { Tensor } from '../../../../src/shared/tensor.ts'
import type { Bytes } from '../../../helpers/onnx-writer.ts'
import {
  hangingModel,
  hungryModel,
  MLP_5MB_WIDTH,
  mlp5MB,
  nanModel,
  slowModel,
  TRIGGER,
  throwingModel,
} from '../../../helpers/slow-models.ts'

const MIB = 1024 * 1024

const rowsOf = (...rows: (readonly number[])[]): Tensor => ({
  datatype: 'FP32',
  shape: [rows.length, rows[0]!.length],
  data: Float32Array.from(rows.flat()),
})

const HARMLESS = rowsOf([1, TRIGGER], [-3, 4])
const TRIGGERING = rowsOf([1, 2], [TRIGGER, 4])

const models: Readonly<Record<string, () => Bytes>> = {
  slow: () => slowModel({ usPerRow: 20, usPerRun: 10 }),
  hanging: hangingModel,
  nan: nanModel,
  throwing: throwingModel,
  hungry: () => hungryModel(16 * MIB),
}

const residentOf = (): number => process.memoryUsage.rss()

test.each(Object.entries(models))('%s gives harmless rows back', (_, bytes) => {
  const session = createSession(bytes())
  expect(session.run([HARMLESS])[0]).toEqual(HARMLESS)
  session.dispose()
})

test.each(Object.entries(models))(
  '%s agrees with itself in batches of made-up rows',
  (_, bytes) => {
    const session = createSession(bytes())
    const tried = tryRows(session, exampleInputs(session.signature, null, null), 16)
    const limits = {
      maxBatchSize: 64,
      rowsMax: 64,
      memoryBytesMax: 4096 * MIB,
      tolerance: CPU_TOLERANCE,
    }
    const gauge = { workedMs: () => performance.now(), residentBytes: () => 0 }
    const { warnings, ...findings } = proveBatching(session, tried, limits, gauge)
    expect([tried.length, warnings]).toEqual([16, []])
    expect(findings).toMatchObject({ hasRowDimension: true, batchingAgrees: true })
    session.dispose()
  },
)

describe('rows that begin with TRIGGER', () => {
  test('turn to NaN, and they alone', () => {
    const session = createSession(nanModel())
    expect([...session.run([TRIGGERING])[0]!.data]).toEqual([1, 2, Number.NaN, Number.NaN])
  })

  test('make their whole batch throw', () => {
    const session = createSession(throwingModel())
    expect(() => session.run([TRIGGERING])).toThrow('out of data bounds')
    expect(session.run([HARMLESS])[0]).toEqual(HARMLESS)
  })

  test('fill memory, which stays', () => {
    const session = createSession(hungryModel(256 * MIB))
    session.run([HARMLESS])
    const before = residentOf()
    expect(session.run([TRIGGERING])[0]).toEqual(TRIGGERING)
    expect(residentOf() - before).toBeGreaterThan(200 * MIB)
    session.dispose()
  })
})

test('the MLP has 5 MB and answers one number for a row', () => {
  const bytes = mlp5MB()
  expect(bytes.length).toBeGreaterThan(4.9e6)
  expect(bytes.length).toBeLessThan(5.1e6)
  const session = createSession(bytes)
  const input = rowsOf(...Array.from({ length: 32 }, () => Array(MLP_5MB_WIDTH).fill(0.5)))
  expect(session.run([input])[0]!.shape).toEqual([32, 1])
  session.dispose()
})
