import { expect, test } from 'vitest'
import {
  health,
  modelMetadata,
  modelReadiness,
  modelStatus,
  serverMetadata,
} from '../../../src/server/documents.ts'
import type { Signature } from '../../../src/shared/tensor.ts'
import { VERSION } from '../../../src/shared/version.ts'
import { epochPlan, plannedVersion } from '../../helpers/epoch-plans.ts'
import { RequestPath } from '../../helpers/request-path.ts'

test.each([
  ['live', true, 200, '{"live":true}'],
  ['ready', true, 200, '{"ready":true}'],
  ['ready', false, 503, '{"ready":false}'],
] as const)('health() of %s, %s, is %i', (kind, isOk, status, body) => {
  expect(health(kind, isOk)).toEqual({ status, body })
})

test('serverMetadata() names the server, its version and the extensions that it has', () => {
  const { status, body } = serverMetadata()
  expect(status).toBe(200)
  const extensions = [
    ...[
      'classification',
      'model_repository',
      'model_repository(unload_dependents)',
      'schedule_policy',
      'model_configuration',
    ],
    ...['binary_tensor_data', 'statistics'],
  ]
  expect(JSON.parse(body)).toEqual({ name: 'sluice', version: VERSION, extensions })
})

/** The second version takes any width and gives another output. */
const OWN: Signature = {
  inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, -1] }],
  outputs: [{ name: 'z', datatype: 'INT64', shape: [-1] }],
}

const endpoint = () => {
  const all = [
    plannedVersion({ model: 'm', version: 10 }),
    plannedVersion({ model: 'm', version: 9, signature: OWN }),
    plannedVersion({ model: 'm', version: 11 }),
  ]
  const variants = [
    { name: 'v9', version: 9, weightBp: 0 },
    { name: 'v11', version: 11, weightBp: 10_000 },
  ]
  return new RequestPath(epochPlan(1, all, { m: variants })).epochs
    .current()
    .epoch.endpoints.get('m')!
}

test('modelMetadata() of an endpoint is its contract, and the outputs of what serves it', () => {
  expect(JSON.parse(modelMetadata(endpoint(), null).body)).toEqual({
    name: 'm',
    versions: ['9', '10', '11'],
    platform: 'onnxruntime_onnx',
    inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }],
    outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 2] }],
  })
})

test('modelMetadata() of a version is its own', () => {
  const live = endpoint()
  expect(JSON.parse(modelMetadata(live, live.pinned.get(9)!).body)).toEqual({
    name: 'm',
    versions: ['9'],
    platform: 'onnxruntime_onnx',
    inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, -1] }],
    outputs: [{ name: 'z', datatype: 'INT64', shape: [-1] }],
  })
})

test('modelReadiness() is 503 where no version is available', () => {
  expect(modelReadiness('m', true)).toEqual({ status: 200, body: '{"name":"m","ready":true}' })
  expect(modelReadiness('m', false)).toEqual({ status: 503, body: '{"name":"m","ready":false}' })
})

test('modelStatus() lists what can be asked for as TensorFlow Serving does, the highest first', () => {
  const status = { error_code: 'OK', error_message: '' }
  const one = (version: string) => ({ version, state: 'AVAILABLE', status })
  const live = endpoint()
  // What KServe's client reads of the same path.
  const ready = { name: live.name, ready: true }
  expect(JSON.parse(String(modelStatus(live, null).body))).toEqual({
    ...ready,
    model_version_status: [one('11'), one('10'), one('9')],
  })
  expect(JSON.parse(String(modelStatus(live, live.pinned.get(9)!).body))).toEqual({
    ...ready,
    model_version_status: [one('9')],
  })
})
