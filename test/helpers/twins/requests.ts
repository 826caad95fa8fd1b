/**
 * Requests that say the same over HTTP and over gRPC, sound or wrong in one place. Each has two
 * forms whose bytes say equally much: elements one by one (JSON, contents), and raw.
 */

import fc from 'fast-check'
import type { Datatype } from '../../../src/shared/tensor.ts'
import type { Spelled } from '../spellings.ts'
import { manner } from '../spellings.ts'
import { countOf, sizesFor, valuesOf } from '../tensor-plans.ts'
import { SERVED, type Served } from './models.ts'

export interface TwinInput {
  readonly name: string
  /** As it says; its elements are of `of`. */
  readonly datatype: string
  readonly shape: readonly number[]
  readonly of: Datatype
  readonly elements: readonly Spelled[]
}

export interface Twin {
  readonly model: string
  /** '': none is named. */
  readonly version: string
  readonly inputs: readonly TwinInput[]
  /** null: all of them. */
  readonly outputs: readonly string[] | null
  /** '': nothing is. */
  readonly fault: string
}

const inputFor = (
  [name, datatype, dims]: Served['inputs'][number],
  rows: number,
): fc.Arbitrary<TwinInput> =>
  fc.tuple(sizesFor(dims.slice(1), 0), manner).chain(([sizes, how]) => {
    const shape = dims.length === 0 ? [] : [rows, ...sizes]
    return valuesOf(datatype, countOf(shape), how).map((elements) => ({
      name,
      datatype,
      shape,
      of: datatype,
      elements,
    }))
  })

const soundFor = (served: Served): fc.Arbitrary<Twin> =>
  fc.integer({ min: 1, max: 3 }).chain((rows) =>
    fc.record({
      model: fc.constant(served.name),
      version: fc.constantFrom('', '1', ...(served.versions ?? [])),
      inputs: fc.tuple(...served.inputs.map((input) => inputFor(input, rows))),
      outputs: fc.option(fc.shuffledSubarray([...served.outputs], { minLength: 1 }), { freq: 2 }),
      fault: fc.constant(''),
    }),
  )

/** Something wrong; null: it cannot be made wrong in this way. */
type Break = (twin: Twin, choice: number) => Omit<Twin, 'fault'> | null

const withInput = (
  twin: Twin,
  choice: number,
  change: (input: TwinInput) => Partial<TwinInput> | null,
): Twin | null => {
  const at = choice % twin.inputs.length
  const input = twin.inputs[at]!
  const changed = change(input)
  return changed === null
    ? null
    : { ...twin, inputs: twin.inputs.with(at, { ...input, ...changed }) }
}

const BREAKS: Readonly<Record<string, Break>> = {
  'an unknown model': (twin) => ({ ...twin, model: 'absent' }),
  'an unknown version': (twin) => ({ ...twin, version: '9' }),
  'a version that is no number': (twin) => ({ ...twin, version: 'latest' }),
  'no inputs': (twin) => ({ ...twin, inputs: [] }),
  'a missing input': (twin, choice) =>
    twin.inputs.length < 2
      ? null
      : { ...twin, inputs: twin.inputs.toSpliced(choice % twin.inputs.length, 1) },
  'an input of another name': (twin, choice) => withInput(twin, choice, () => ({ name: 'other' })),
  'an input given twice': (twin, choice) => ({
    ...twin,
    inputs: [...twin.inputs, twin.inputs[choice % twin.inputs.length]!],
  }),
  'another datatype': (twin, choice) =>
    withInput(twin, choice, ({ of }) => ({
      datatype: of.startsWith('UINT') ? of.slice(1) : 'UINT32',
    })),
  'a datatype that nobody knows': (twin, choice) =>
    withInput(twin, choice, () => ({ datatype: 'FP128' })),
  'a dimension too many': (twin, choice) =>
    withInput(twin, choice, ({ shape }) => ({ shape: [...shape, 1] })),
  'a dimension too few': (twin, choice) =>
    withInput(twin, choice, ({ shape }) =>
      shape.length === 0 ? null : { shape: shape.slice(0, -1) },
    ),
  'a row too many': (twin, choice) =>
    withInput(twin, choice, ({ shape: [rows, ...sizes], elements }) =>
      rows === undefined || elements.length === 0 ? null : { shape: [rows + 1, ...sizes] },
    ),
  'a negative size': (twin, choice) =>
    withInput(twin, choice, ({ shape }) =>
      shape.length === 0 ? null : { shape: shape.with(choice % shape.length, -1) },
    ),
  'a size that is huge': (twin, choice) =>
    withInput(twin, choice, ({ shape }) =>
      shape.length === 0 ? null : { shape: shape.with(choice % shape.length, 2 ** 40) },
    ),
  'an element too few': (twin, choice) =>
    withInput(twin, choice, ({ elements }) =>
      elements.length === 0 ? null : { elements: elements.slice(0, -1) },
    ),
  'an element too many': (twin, choice) =>
    withInput(twin, choice, ({ elements }) =>
      elements.length === 0 ? null : { elements: [...elements, elements[0]!] },
    ),
  'an unknown output': (twin) => ({ ...twin, outputs: ['other'] }),
  'an output asked for twice': ({ outputs, ...twin }) =>
    outputs === null ? null : { ...twin, outputs: [...outputs, outputs[0]!] },
}

const broken = (twin: Twin, title: string, choice: number): Twin => {
  const wrong = BREAKS[title]!(twin, choice)
  return wrong === null ? twin : { ...wrong, fault: title }
}

/** Half of them sound, the others wrong in one place. */
export const twin: fc.Arbitrary<Twin> = fc
  .tuple(
    fc.constantFrom(...SERVED).chain(soundFor),
    fc.option(fc.constantFrom(...Object.keys(BREAKS)), { freq: 2 }),
    fc.nat({ max: 1000 }),
  )
  .map(([sound, title, choice]) => (title === null ? sound : broken(sound, title, choice)))
