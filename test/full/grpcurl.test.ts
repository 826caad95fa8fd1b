/** grpcurl knows no schema but what reflection tells it. */

import { beforeAll, expect, test } from 'vitest'
import { startGateway, type TestGateway } from '../helpers/gateway.ts'
import { identity } from '../helpers/models.ts'
import { runProgram, startProgram } from '../helpers/programs.ts'
import { makeRepository } from '../helpers/repository.ts'
import { until } from '../helpers/until.ts'

const INFERENCE = 'inference.GRPCInferenceService'
/** It exits with 64 and the status of the call. */
const NOT_FOUND = 64 + 5
const INVALID_ARGUMENT = 64 + 3

let gateway: TestGateway

const startAny = () =>
  startGateway({ repository: makeRepository({ 'm/1/model.onnx': identity('FP32') }) })

beforeAll(async () => {
  gateway = await startAny()
})

const argsOf = (port: number, words: readonly string[], flags: readonly string[]): string[] => [
  ...['-plaintext', '-max-time', '20', ...flags],
  ...[`127.0.0.1:${port}`, ...words],
]

const ask = (words: readonly string[], ...flags: string[]) =>
  runProgram('grpcurl', argsOf(gateway.grpcPort, words, flags))

/** Calls a method with JSON, and gives back its answers. */
const callJson = async (method: string, ...messages: object[]): Promise<object[]> => {
  const input = messages.map((message) => JSON.stringify(message)).join('\n')
  const args = argsOf(gateway.grpcPort, [method], ['-format', 'json', '-d', '@'])
  const { exitCode, stdout, stderr } = await runProgram('grpcurl', args, input)
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
  // It prints one document behind the other.
  return JSON.parse(`[${stdout.trim().replaceAll(/^\}\n\{/gm, '},{')}]`) as object[]
}

const INPUT = { name: 'x', datatype: 'FP32', shape: ['1', '2'] }
const TYPED = { model_name: 'm', inputs: [{ ...INPUT, contents: { fp32_contents: [1, 2] } }] }

test('list names every service', async () => {
  const { exitCode, stdout } = await ask(['list'])
  expect(exitCode).toBe(0)
  expect(stdout.trim().split('\n').sort()).toEqual([
    'grpc.health.v1.Health',
    'grpc.reflection.v1.ServerReflection',
    'grpc.reflection.v1alpha.ServerReflection',
    INFERENCE,
  ])
})

test('list of a service names its methods', async () => {
  const { stdout } = await ask(['list', INFERENCE])
  const names = stdout.trim().split('\n')
  expect(names).toContain(`${INFERENCE}.ModelInfer`)
  expect(names).toContain(`${INFERENCE}.ModelStreamInfer`)
  expect(names).toHaveLength(20)
})

test.each([
  INFERENCE,
  'inference.ModelInferRequest',
  'inference.ModelInferRequest.InferInputTensor',
  'inference.ModelConfig',
  'inference.GRPCInferenceService.ModelInfer',
  'grpc.health.v1.HealthCheckResponse.ServingStatus',
  'grpc.reflection.v1.ServerReflection',
  'grpc.reflection.v1alpha.ServerReflectionRequest',
])('describe %s', async (symbol) => {
  const { exitCode, stdout } = await ask(['describe', symbol])
  expect(exitCode).toBe(0)
  expect(stdout).toContain(`${symbol} is a`)
})

test('describe of what is not there says so', async () => {
  const { exitCode, stderr } = await ask(['describe', 'inference.Nothing'])
  expect(exitCode).toBe(1)
  expect(stderr).toMatch(/not found/i)
})

test('the older reflection tells the same', async () => {
  const method = 'grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo'
  const [services, symbol, nothing, file] = await callJson(
    method,
    { list_services: '' },
    { file_containing_symbol: INFERENCE },
    { file_containing_symbol: 'nothing' },
    { file_by_filename: 'inference.proto' },
  )
  expect(services).toMatchObject({
    listServicesResponse: { service: expect.arrayContaining([{ name: INFERENCE }]) },
  })
  expect(symbol).toHaveProperty('fileDescriptorResponse.fileDescriptorProto')
  expect(nothing).toMatchObject({ errorResponse: { errorCode: 5 } })
  expect(file).toHaveProperty('fileDescriptorResponse.fileDescriptorProto')
})

test('calls by JSON', async () => {
  expect(await callJson(`${INFERENCE}/ServerReady`, {})).toEqual([{ ready: true }])
  expect(await callJson(`${INFERENCE}/ServerMetadata`, {})).toMatchObject([{ name: 'sluice' }])
  const [metadata] = await callJson(`${INFERENCE}/ModelMetadata`, { name: 'm' })
  expect(metadata).toMatchObject({ inputs: [{ name: 'x', shape: ['-1', '2'] }] })
  expect(await callJson(`${INFERENCE}/ModelInfer`, TYPED)).toMatchObject([
    { modelName: 'm', modelVersion: '1', outputs: [{ contents: { fp32Contents: [1, 2] } }] },
  ])
  const raw = Buffer.from(Float32Array.of(3, 4).buffer).toString('base64')
  const request = { model_name: 'm', inputs: [INPUT], raw_input_contents: [raw] }
  expect(await callJson(`${INFERENCE}/ModelInfer`, request)).toMatchObject([
    { rawOutputContents: [raw] },
  ])
})

test('a stream by JSON, an error in its middle', async () => {
  const answers = await callJson(
    `${INFERENCE}/ModelStreamInfer`,
    { ...TYPED, id: 'a' },
    { ...TYPED, model_name: 'absent', id: 'b' },
    { ...TYPED, id: 'c' },
  )
  expect(answers).toHaveLength(3)
  expect(answers).toContainEqual(
    expect.objectContaining({ errorMessage: expect.stringContaining('absent') }),
  )
})

test('a refusal has its status and its code', async () => {
  const absent = ['-d', JSON.stringify({ ...TYPED, model_name: 'absent' }), '-v']
  const { exitCode, stdout, stderr } = await ask([`${INFERENCE}/ModelInfer`], ...absent)
  expect(exitCode).toBe(NOT_FOUND)
  expect(stderr).toContain("Request for unknown model: 'absent'")
  expect(stdout).toContain('x-sluice-error: MODEL_NOT_FOUND')
  const wrong = ['-d', JSON.stringify({ model_name: 'm' })]
  expect((await ask([`${INFERENCE}/ModelInfer`], ...wrong)).exitCode).toBe(INVALID_ARGUMENT)
})

test('an answer shows its metadata', async () => {
  const flags = ['-d', JSON.stringify(TYPED), '-v', '-H', 'x-request-id: mine']
  const { stdout } = await ask([`${INFERENCE}/ModelInfer`], ...flags)
  for (const line of ['x-request-id: mine', 'x-sluice-model: m', 'x-sluice-version: 1']) {
    expect(stdout).toContain(line)
  }
})

test('Watch tells of the end before it comes', async () => {
  const watched = await startAny()
  const words = ['grpc.health.v1.Health/Watch']
  const watch = startProgram('grpcurl', argsOf(watched.grpcPort, words, []))
  await until(() => watch.stdout.includes('"SERVING"'), { what: 'the first status' })
  await watched.stop()
  const { stdout } = await watch.result
  expect(stdout.match(/"\w*SERVING"/g)).toEqual(['"SERVING"', '"NOT_SERVING"'])
})
