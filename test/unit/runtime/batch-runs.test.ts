import { describe, expect, test } from 'vitest'
import type { Session } from '../../../src/runtime/session-types.ts'
import type { Tensor } from '../../../src/shared/tensor.ts'
import { BatcherRig, doubled } from '../../helpers/batcher-rig.ts'
import { CountingSession, POISON } from '../../helpers/counting-session.ts'

const FAILED = 'INFERENCE_FAILED'

/** A session that answers rows of two values as `answer` says, from the first value of each. */
class OddSession extends CountingSession {
  readonly #answer: (values: number[]) => Tensor

  constructor(answer: (values: number[]) => Tensor) {
    super([2])
    this.#answer = answer
  }

  override run([input]: readonly Tensor[]): Tensor[] {
    const values = [...(input!.data as Float32Array)].filter((_, i) => i % 2 === 0)
    return [this.#answer(values)]
  }
}

const floats = (values: readonly number[], width = 1): Tensor => ({
  datatype: 'FP32',
  shape: [values.length / width, width],
  data: Float32Array.from(values),
})

describe('BatchRuns, when a run fails,', () => {
  test('fails only the request with the bad row and names the row', () => {
    const rig = new BatcherRig()
    rig.admit(1, [1])
    rig.admit(2, [2, 3, POISON, 4])
    rig.admit(3, [5])
    rig.turns.turn()
    expect(rig.outcomes.get(1)).toEqual([{ answer: doubled([1]) }])
    expect(rig.outcomes.get(2)).toEqual([
      {
        code: FAILED,
        badRow: 2,
        detail: expect.stringMatching(/^The model failed on this input: /),
      },
    ])
    expect(rig.outcomes.get(2)?.[0]?.detail).not.toContain('/home')
    expect(rig.outcomes.get(3)).toEqual([{ answer: doubled([5]) }])
  })

  test.each([
    ['larger than the batch cap', { policy: { rowsMax: 2 } }],
    ['of a version with a cap of one row', { policy: { rowsMax: 1 } }],
    ['that shares no run', { policy: { rowsMax: 2, mixesRequests: false } }],
    ['of free inner dimensions', { innerShape: [-1] }],
    ['of free inner dimensions, larger than the cap', { innerShape: [-1], policy: { rowsMax: 2 } }],
  ])('names the row in a request %s', (_what, options) => {
    const rig = new BatcherRig(options)
    rig.admitTensors(1, [1, 2, 3, POISON, POISON])
    rig.admitTensors(2, [1])
    rig.turns.turn()
    expect(rig.outcomes.get(1)).toMatchObject([{ code: FAILED, badRow: 3 }])
    expect(rig.outcomes.get(2)).toEqual([{ answer: doubled([1]) }])
    expect(rig.batcher.queuedRows).toBe(0)
  })

  test('names no row where the model has none', () => {
    const rig = new BatcherRig({ policy: { rowsMax: 0, mixesRequests: false } })
    rig.admitTensors(1, [1, POISON])
    rig.turns.turn()
    expect(rig.outcomes.get(1)).toMatchObject([{ code: FAILED, badRow: -1 }])
    expect(rig.calls).toEqual([2])
  })

  test('names no row when it is their company that fails', () => {
    const session = new OddSession((values) => {
      if (values.length > 3) throw new Error('too many')
      return floats(values)
    })
    const rig = new BatcherRig({ session, policy: { mixesRequests: false } })
    rig.admit(1, [1, 2, 3, 4, 5])
    rig.turns.turn()
    expect(rig.outcomes.get(1)).toMatchObject([{ code: FAILED, badRow: -1 }])
  })

  test('gives the search for the row up when it takes long', () => {
    const rig = new BatcherRig({ policy: { rowsMax: 1000 }, runMs: 400 })
    const values = new Array<number>(1000).fill(1).with(999, POISON)
    rig.admit(1, values)
    rig.turns.turn()
    expect(rig.outcomes.get(1)).toMatchObject([{ code: FAILED, badRow: -1 }])
    expect(rig.turns.nowMs).toBeLessThan(2500)
  })

  test('marks every call for the watchdog, and counts only runs that gave answers', () => {
    const rig = new BatcherRig()
    rig.admit(1, [1])
    rig.admit(2, [1, 2, 3, POISON])
    rig.admit(3, [4, 5])
    rig.turns.turn()
    expect(rig.unmarked).toBe(0)
    expect(rig.calls.length).toBeGreaterThan(4)
    expect(rig.served).toEqual([
      [1, 1],
      [3, 2],
    ])
  })
})

describe('BatchRuns, when the answers have other rows than the inputs,', () => {
  const otherRows = { code: FAILED, detail: expect.stringMatching(/one row for each of/) }

  test('fails the requests whose rows do not match, and no others', () => {
    const session = new OddSession((values) => floats(values.filter((value) => value > 2)))
    const rig = new BatcherRig({ session })
    rig.admit(1, [1])
    rig.admit(2, [3, 1, 4])
    rig.admit(3, [5, 6])
    rig.turns.turn()
    expect(rig.outcomes.get(1)).toMatchObject([{ ...otherRows, badRow: 0 }])
    expect(rig.outcomes.get(2)).toMatchObject([{ ...otherRows, badRow: 1 }])
    expect(rig.outcomes.get(3)).toEqual([{ answer: [5, 6] }])
    expect(rig.served).toEqual([[3, 2]])
  })

  test('gives a request all of them where the model has no rows', () => {
    const session = new OddSession((values) => floats([...values, ...values]))
    const rig = new BatcherRig({ session, policy: { rowsMax: 0, mixesRequests: false } })
    rig.admitTensors(1, [3, 4])
    rig.turns.turn()
    expect(rig.outcomes.get(1)).toEqual([{ answer: [3, 4, 3, 4] }])
  })

  test('fails a request whose parts are answered in different shapes', () => {
    const session = new OddSession((values) =>
      values.includes(5) ? floats([...values, ...values], 2) : floats(values),
    )
    const rig = new BatcherRig({ session, policy: { rowsMax: 2 } })
    rig.admit(1, [1, 2, 3, 4, 5, 6])
    rig.turns.turn()
    expect(rig.outcomes.get(1)).toMatchObject([
      { code: FAILED, detail: expect.stringMatching(/shape of its outputs changes/) },
    ])
    expect(rig.batcher.queuedRows).toBe(0)
  })
})

test('BatchRuns joins texts and several outputs of the parts of a request', () => {
  const inputs = [{ name: 'x', datatype: 'BYTES', shape: [-1] }] as const
  const outputs = [
    { name: 'loud', datatype: 'BYTES', shape: [-1] },
    { name: 'length', datatype: 'INT64', shape: [-1, 1] },
  ] as const
  const answers: Tensor[][] = []
  const session: Session = {
    signature: { inputs, outputs },
    run: ([input]) => {
      const texts = input!.data as string[]
      const lengths = BigInt64Array.from(texts, (text) => BigInt(text.length))
      return [
        { datatype: 'BYTES', shape: [texts.length], data: texts.map((text) => `${text}!`) },
        { datatype: 'INT64', shape: [texts.length, 1], data: lengths },
      ]
    },
    dispose: () => {},
  }
  const rig = new BatcherRig({ session, policy: { rowsMax: 2 } })
  const data = ['a', 'bb', 'ccc', 'dddd', 'eeeee']
  const keep = rig.handlers.onDone
  rig.handlers.onDone = (member, results, place, times) => {
    answers.push([...results])
    keep(member, results, place, times)
  }
  rig.batcher.admitTensors(rig.asker(1), [{ datatype: 'BYTES', shape: [5], data }], 5, 0)
  rig.turns.turn()
  expect(rig.calls).toEqual([2, 2, 1])
  expect(answers).toEqual([
    [
      { datatype: 'BYTES', shape: [5], data: data.map((text) => `${text}!`) },
      { datatype: 'INT64', shape: [5, 1], data: BigInt64Array.of(1n, 2n, 3n, 4n, 5n) },
    ],
  ])
})

describe('BatchRuns, when a handler throws,', () => {
  test('reports it and goes on with the other members', () => {
    const rig = new BatcherRig({ throwsFor: new Set([2, 3]) })
    rig.admit(1, [1])
    rig.admit(2, [2])
    rig.admit(3, [POISON])
    rig.admit(4, [4])
    rig.turns.turn()
    expect(rig.outcomes.get(2)).toEqual([{ fault: new Error('for 2') }])
    expect(rig.outcomes.get(3)).toEqual([{ fault: new Error('for 3') }])
    expect(rig.outcomes.get(4)).toEqual([{ answer: doubled([4]) }])
    rig.admit(5, [5])
    rig.turns.turn()
    expect(rig.outcomes.get(5)).toEqual([{ answer: doubled([5]) }])
  })

  test('reports it for a request in parts as well', () => {
    const rig = new BatcherRig({ throwsFor: new Set([1, 2]), policy: { rowsMax: 2 } })
    rig.admit(1, [1, 2, 3, 4])
    rig.admit(2, [1, 2, 3, POISON])
    rig.turns.turn()
    expect(rig.outcomes.get(1)).toEqual([{ fault: new Error('for 1') }])
    expect(rig.outcomes.get(2)).toEqual([{ fault: new Error('for 2') }])
    expect(rig.turns.isIdle).toBe(true)
  })
})
