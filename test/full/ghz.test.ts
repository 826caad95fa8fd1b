/** ghz, a load generator: what it asks for comes, all of it. */

import { fileURLToPath } from 'node:url'
import { beforeAll, expect, test } from 'vitest'
import { startGateway, type TestGateway } from '../helpers/gateway.ts'
import { identity } from '../helpers/models.ts'
import { runProgram } from '../helpers/programs.ts'
import { makeRepository } from '../helpers/repository.ts'

const PROTO = fileURLToPath(new URL('../../proto/', import.meta.url))
const CALLS = 5000

let gateway: TestGateway

beforeAll(async () => {
  gateway = await startGateway({
    repository: makeRepository({ 'm/1/model.onnx': identity('FP32') }),
  })
})

const REQUEST = {
  model_name: 'm',
  inputs: [{ name: 'x', datatype: 'FP32', shape: ['1', '2'], contents: { fp32_contents: [1, 2] } }],
}

interface Report {
  readonly count: number
  readonly statusCodeDistribution: Readonly<Record<string, number>>
  readonly errorDistribution: Readonly<Record<string, number>>
}

const load = async (method: string, flags: readonly string[], calls = CALLS): Promise<Report> => {
  const { exitCode, stdout, stderr } = await runProgram('ghz', [
    '--insecure',
    ...['--call', `inference.GRPCInferenceService.${method}`, '-d', JSON.stringify(REQUEST)],
    ...['-n', String(calls), '-c', '40', '--connections', '8', '-O', 'json'],
    ...flags,
    `127.0.0.1:${gateway.grpcPort}`,
  ])
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
  return JSON.parse(stdout) as Report
}

/** How, by which method, with which flags, and how many calls. */
const LOADS: readonly (readonly [string, string, readonly string[], number])[] = [
  ['by its schema', 'ModelInfer', ['--proto', `${PROTO}inference.proto`, '-i', PROTO], CALLS],
  ['by reflection', 'ModelInfer', [], CALLS],
  ['compressed', 'ModelInfer', ['--enable-compression'], CALLS],
  ['by streams of ten messages', 'ModelStreamInfer', ['--stream-call-count', '10'], 500],
]

test.each(LOADS)('%s: every call of a load is answered', async (_, method, flags, calls) => {
  const { count, statusCodeDistribution, errorDistribution } = await load(method, flags, calls)
  expect(count).toBe(calls)
  expect(statusCodeDistribution).toEqual({ OK: count })
  expect(errorDistribution ?? {}).toEqual({})
})
