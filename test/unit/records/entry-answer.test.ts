import { expect, test } from 'vitest'
import { rowAnswer } from '../../../src/records/entry-answer.ts'
import type { EntryTensor } from '../../../src/records/entry-tensors.ts'
import type { AnswerTerms } from '../../../src/shared/answer-terms.ts'
import type { Redaction } from '../../../src/shared/record-policy.ts'

const tensor = (
  data: EntryTensor['data'],
  rowElements: number,
  datatype = 'FP64',
): EntryTensor => ({
  ...{ datatype: datatype as EntryTensor['datatype'], rowElements, data, places: [] },
  shape: [rowElements],
})

const terms = (more: Partial<AnswerTerms>): AnswerTerms => ({
  ...{ task: 'binary', score: 0, scoreColumn: 0, label: -1, threshold: null },
  ...{ classes: ['no', 'yes'], positive: 'yes', negative: 'no' },
  ...more,
})

const P = tensor(Float64Array.of(0.2, 0.8, 0.6, 0.4), 2)
const LABEL = tensor(['a', 'b'], 1, 'BYTES')
const KEEP = [null, null]

test('binary: the class that the score stands for, or what the label output says', () => {
  expect(rowAnswer(terms({ scoreColumn: 1 }), [P], KEEP, 0)).toEqual({
    ...{ score: 0.8, prediction: 'yes' },
  })
  expect(rowAnswer(terms({ scoreColumn: 1 }), [P], KEEP, 1)).toEqual({
    ...{ score: 0.4, prediction: 'no' },
  })
  expect(rowAnswer(terms({ label: 1 }), [P, LABEL], KEEP, 1)).toEqual({
    ...{ score: 0.6, prediction: 'b' },
  })
  expect(rowAnswer(terms({ label: 1, threshold: 0.7 }), [P, LABEL], KEEP, 1)).toEqual({
    ...{ score: 0.6, prediction: 'no' },
  })
})

test('multiclass: the best score, its class, and all scores by class', () => {
  const three = tensor(Float64Array.of(0.1, 0.2, 0.7), 3)
  expect(rowAnswer(terms({ task: 'multiclass' }), [three], KEEP, 0)).toEqual({
    ...{ score: 0.7, prediction: 2, scores: { no: 0.1, yes: 0.2, '2': 0.7 } },
  })
})

test('regression: the value is both', () => {
  expect(rowAnswer(terms({ task: 'regression' }), [P], KEEP, 1)).toEqual({
    ...{ score: 0.6, prediction: 0.6 },
  })
})

test('without terms, outputs or the column there is no answer', () => {
  const none = { score: null, prediction: null }
  expect(rowAnswer(null, [P], KEEP, 0)).toEqual(none)
  expect(rowAnswer(terms({}), [], KEEP, 0)).toEqual(none)
  expect(rowAnswer(terms({ scoreColumn: 2 }), [P], KEEP, 0)).toEqual(none)
  expect(rowAnswer(terms({ task: 'multiclass' }), [tensor([], 0)], KEEP, 0)).toEqual(none)
})

test('nothing is derived from an output that is dropped or cannot be read any more', () => {
  const none = { score: null, prediction: null }
  for (const kind of ['drop', 'hmac', 'mask'] as const) {
    const rules: Redaction[] = [{ kind }]
    expect(rowAnswer(terms({}), [P], [...rules, null], 0)).toEqual(none)
    expect(rowAnswer(terms({ label: 1 }), [P, LABEL], [null, ...rules], 0)).toEqual(none)
  }
  const bucket: Redaction = { kind: 'bucket', width: 0.5 }
  expect(rowAnswer(terms({}), [P], [bucket], 0)).toMatchObject({ score: 0.2 })
})
