/** Requests to models of numbers: those that become rows without being decoded. */

import fc from 'fast-check'
import type { Manifest, Task } from '../../../src/shared/manifest.ts'
import type { Redaction } from '../../../src/shared/record-policy.ts'
import {
  allocate,
  BIGINT_BOUNDS,
  type Datatype,
  INTEGER_BOUNDS,
  type Tensor,
  type TensorSignature,
} from '../../../src/shared/tensor.ts'
import type { RecordCase } from '../record-cases.ts'
import { manifestFeature, recordLayout } from '../record-layouts.ts'

const INPUTS: readonly TensorSignature[] = [
  { name: 'x', datatype: 'FP32', shape: [-1, 4] },
  { name: 'n', datatype: 'INT64', shape: [-1, 2] },
  { name: 'u', datatype: 'UINT64', shape: [-1] },
  { name: 'd', datatype: 'FP64', shape: [-1, 2] },
  { name: 'b', datatype: 'BOOL', shape: [-1, 1] },
  { name: 's', datatype: 'INT16', shape: [-1, 2] },
  { name: 'k', datatype: 'UINT64', shape: [-1, 1] },
]

const VOCABULARY = ['red', 'blé']

const FEATURES = [
  manifestFeature({ name: 'amount' }),
  manifestFeature({ name: 'Amount', column: 1, optional: true }),
  manifestFeature({ name: 'color', type: 'category', column: 2, vocabulary: VOCABULARY }),
  manifestFeature({ name: 'isNew', type: 'boolean', column: 3 }),
  manifestFeature({ name: 'id', type: 'integer', tensor: 'n' }),
  manifestFeature({ name: 'wide', tensor: 'n', column: 1 }),
  manifestFeature({ name: 'big', type: 'integer', tensor: 'u' }),
  manifestFeature({ name: 'key', type: 'category', tensor: 'k' }),
  manifestFeature({ name: 'exact', tensor: 'd' }),
  manifestFeature({ name: 'count', type: 'integer', tensor: 'd', column: 1 }),
  manifestFeature({ name: 'flag', type: 'boolean', tensor: 'b' }),
  manifestFeature({ name: 'small', type: 'integer', tensor: 's' }),
  manifestFeature({ name: 'code', type: 'category', tensor: 's', column: 1 }),
]

const element = (datatype: Datatype): fc.Arbitrary<number | bigint> => {
  if (datatype === 'BOOL') return fc.constantFrom(0, 1)
  const odd = fc.constantFrom(0, -0, 1, 2, -1, 0.5, Number.NaN, 1 / 0, 2 ** 62, 1e300)
  const few = fc.constantFrom(0.375, 0.375, Number.NaN, 1)
  if (datatype === 'FP32') return fc.oneof(odd.map(Math.fround), few, fc.float())
  if (datatype === 'FP64') return fc.oneof(odd, few, fc.double())
  const wide = BIGINT_BOUNDS[datatype]
  if (wide !== undefined) return fc.oneof(fc.bigInt(...wide), fc.constantFrom(...wide, 0n, 1n))
  const [min, max] = INTEGER_BOUNDS[datatype]!
  return fc.oneof(fc.integer({ min, max }), fc.constantFrom(0, 1, max))
}

/** A tensor of `rows` rows. */
const tensorOf = ({ datatype, shape }: TensorSignature, rows: number): fc.Arbitrary<Tensor> => {
  const whole = [rows, ...shape.slice(1)]
  const count = whole.reduce((product, size) => product * size, 1)
  return fc.array(element(datatype), { minLength: count, maxLength: count }).map((elements) => {
    const data = allocate(datatype, count)
    for (const [i, each] of elements.entries()) data[i] = each
    return { datatype, shape: whole, data }
  })
}

interface Model {
  readonly task: Task
  readonly scores: Datatype
  readonly columns: number
  readonly label: Datatype | null
  readonly classes: readonly (string | number)[]
  readonly threshold: number | undefined
}

const model: fc.Arbitrary<Model> = fc.record({
  task: fc.constantFrom<Task[]>('binary', 'multiclass', 'regression', 'other'),
  scores: fc.constantFrom<Datatype[]>('FP32', 'FP64', 'INT32', 'INT64'),
  columns: fc.integer({ min: 1, max: 3 }),
  label: fc.constantFrom<(Datatype | null)[]>('INT64', 'FP32', 'BOOL', null),
  classes: fc.constantFrom<(string | number)[][]>([], ['no', 'yes'], [10, 2, 10], ['a', 1, 0]),
  threshold: fc.constantFrom(undefined, 0.25, 0.25),
})

const outputsOf = ({ scores, columns, label }: Model): TensorSignature[] => [
  ...(label === null ? [] : [{ name: 'label', datatype: label, shape: [-1] }]),
  { name: 'p', datatype: scores, shape: [-1, columns] },
  { name: 'deep', datatype: 'UINT8', shape: [-1, 2, 2] },
]

const manifestOf = (given: Model, hasFeatures: boolean): Manifest => ({
  digest: '',
  features: hasFeatures ? FEATURES : [],
  task: given.task,
  ...(given.task === 'other' ? {} : { score: { output: 'p', column: given.columns - 1 } }),
  ...(given.label === null ? {} : { label: { output: 'label' } }),
  ...(given.classes.length === 0 ? {} : { classes: given.classes }),
  ...(given.threshold === undefined ? {} : { threshold: given.threshold }),
})

const redaction = fc.constantFrom<Record<string, Redaction>[]>(
  {},
  { amount: { kind: 'bucket', width: 10 }, color: { kind: 'drop' } },
  { amount: { kind: 'mask' } },
)

/** A request of some rows in the middle of its run. */
export const numberCase = (rowsMax: number): fc.Arbitrary<RecordCase> =>
  fc
    .record({
      ...{ model, hasFeatures: fc.boolean(), features: redaction, rowStart: fc.nat(2) },
      rows: fc.integer({ min: 1, max: rowsMax }),
    })
    .chain(({ model: given, hasFeatures, features, rowStart, rows }) => {
      const signature = { inputs: INPUTS, outputs: outputsOf(given) }
      const redact = { features: hasFeatures ? features : {}, outputs: {}, requestId: null }
      const manifest = manifestOf(given, hasFeatures)
      const layout = recordLayout({ signature, manifest, policy: { redact }, rowsMax: 64 })
      const draw = (tensors: readonly TensorSignature[]) =>
        fc.tuple(...tensors.map((tensor) => tensorOf(tensor, rowStart + rows + 1)))
      return fc.tuple(draw(signature.inputs), draw(signature.outputs)).map(([inputs, results]) => ({
        ...{ layout, rows, rowStart, inputs, results, extras: null, instances: [] },
      }))
    })
