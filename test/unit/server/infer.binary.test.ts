/** Binary tensors from the head of a request to that of its answer. */

import { expect, test } from 'vitest'
import { binaryBody, readBinaryAnswer, tensorBytes } from '../../helpers/binary-tensors.ts'
import { epochPlan, plannedVersion } from '../../helpers/epoch-plans.ts'
import type { Head, HeldExchange } from '../../helpers/held-exchange.ts'
import { PREFIX, RequestPath } from '../../helpers/request-path.ts'

const OIP = '/v2/models/m/infer'
const X = { name: 'x', shape: [2, 2], datatype: 'FP32', parameters: { binary_data_size: 16 } }
const VALUES = [1, 2.5, -3, Number.NaN]
const DOUBLED = [2, 5, -6, Number.NaN]
const TAIL = tensorBytes('FP32', VALUES)

const path = () => new RequestPath(epochPlan(1, [plannedVersion({ model: 'm', version: 1 })]))

const ask = (json: object, length?: string, head: Head = {}): HeldExchange => {
  const { bytes, jsonBytes } = binaryBody(json, [TAIL])
  const inferenceHeaderLength = length ?? String(jsonBytes)
  return path().ask({ path: OIP, inferenceHeaderLength, ...head }, bytes)
}

const outputsOf = (exchange: HeldExchange) =>
  readBinaryAnswer({
    jsonBytes: Number(exchange.header('inference-header-content-length')),
    bytes: exchange.answer!.bytes,
  })

const asBytes = { parameters: { binary_data_output: true } }

test.each([{}, { requestId: 'theirs' }, { isExplained: true }])(
  'onRequest() answers in bytes what is asked for in bytes, to a head of %j',
  (head) => {
    const exchange = ask({ inputs: [X], id: 'a', ...asBytes }, undefined, head)
    expect(exchange.answer?.status).toBe(200)
    expect(exchange.header('content-type')).toBe('application/octet-stream')
    expect(exchange.header('x-sluice-prediction-id')).toBe(`${PREFIX}1`)
    expect(exchange.header('x-sluice-version')).toBe('1')
    expect(outputsOf(exchange)).toMatchObject([{ name: 'y', shape: [2, 2], values: DOUBLED }])
  },
)

test('onRequest() answers a body that is one tensor, of one row, in bytes', () => {
  const body = tensorBytes('FP32', [1, 2])
  const exchange = path().ask({ path: OIP, inferenceHeaderLength: '0' }, body)
  expect(outputsOf(exchange)).toMatchObject([{ name: 'y', shape: [1, 2], values: [2, 4] }])
})

test('onRequest() answers in JSON what is not asked for in bytes, and NaN not at all', () => {
  const exchange = ask({ inputs: [X] })
  expect(exchange.header('inference-header-content-length')).toBe('')
  expect(exchange.header('x-sluice-error')).toBe('OUTPUT_NOT_FINITE')
  const inputs = [{ ...X, parameters: {}, data: [1, 2, 3, 4] }]
  const json = path().ask({ path: OIP }, { inputs })
  expect(json.header('content-type')).toBe('application/json')
  const bytes = path().ask({ path: OIP }, { inputs, ...asBytes })
  expect(outputsOf(bytes)).toMatchObject([{ values: [2, 4, 6, 8] }])
})

test('onRequest() looks at the length of the JSON over the Open Inference Protocol alone', () => {
  const head = { path: '/v1/models/m:predict', inferenceHeaderLength: '999' }
  expect(
    path()
      .ask(head, { instances: [[1, 2]] })
      .json(),
  ).toEqual({ predictions: [[2, 4]] })
})

test.each(['-1', '+5', '1e2', '12abc', ' 5', '0x10', '5,5', '99999999999999999999', '100000'])(
  'onRequest() refuses the length %j, and goes on',
  (length) => {
    const exchange = ask({ inputs: [X], ...asBytes }, length)
    expect(exchange.answer?.status).toBe(400)
    expect(exchange.header('x-sluice-error')).toBe('REQUEST_MALFORMED')
    expect(exchange.json()['error']).toContain(length)
    expect(ask({ inputs: [X], ...asBytes }).answer?.status).toBe(200)
  },
)
