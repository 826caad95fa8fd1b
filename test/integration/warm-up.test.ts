/**
 * `model_warmup` as Triton's L0_warmup has it: zeros, random data, strings and files; and what it
 * has not: samples that fail.
 */

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import type { VersionStatus } from '../../src/control/api/status-document.ts'
import { startGateway, type TestGateway } from '../helpers/gateway.ts'
import { versionWhen } from '../helpers/gateway-models.ts'
import { identity, parseNumber, scaleAdd } from '../helpers/models.ts'
import { makeRepository } from '../helpers/repository.ts'
import { until } from '../helpers/until.ts'

const sample = (name: string, rows: number, inputs: Readonly<Record<string, string>>) => `
model_warmup [{
    name: "${name}"
    batch_size: ${rows}
${Object.entries(inputs)
  .map(([key, value]) => `    inputs { key: "${key}" value: { ${value} } }`)
  .join('\n')}
}]`

const strings = (data: string) => `data_type: TYPE_STRING dims: 1 ${data}`
const NUMBER_FILE = sample('a number', 8, { x: strings('input_data_file: "number"') })

/** One string as Triton has it in files. */
const text = (value: string): Uint8Array => {
  const bytes = Buffer.from(value)
  return Uint8Array.of(bytes.length, 0, 0, 0, ...bytes)
}

const repository = makeRepository({
  'regular/1/model.onnx': scaleAdd(16),
  'regular/config.pbtxt': `max_batch_size: 8
    ${sample('regular sample', 1, { x: 'data_type: TYPE_FP32 dims: 16 zero_data: true' })}
    ${sample('random', 8, { x: 'data_type: TYPE_FP32 dims: 16 random_data: true' })}`,
  'zero_1_object/1/model.onnx': identity('BYTES', ['N', 16]),
  'zero_1_object/config.pbtxt': `max_batch_size: 8
    ${sample('zero string', 1, { x: 'data_type: TYPE_STRING dims: 16 zero_data: true' })}
    ${sample('random string', 1, { x: 'data_type: TYPE_STRING dims: 16 random_data: true' })}`,
  'number/1/model.onnx': parseNumber(),
  'number/config.pbtxt': 'max_batch_size: 8',
  'broken/1/model.onnx': scaleAdd(16),
  'broken/config.pbtxt': `max_batch_size: 8
    ${sample('too large', 9, { x: 'data_type: TYPE_FP32 dims: 16 zero_data: true' })}`,
})

let gateway: TestGateway

beforeAll(async () => {
  gateway = await startGateway({ repository, isReadyAwaited: false })
  for (const name of ['regular', 'zero_1_object', 'number']) {
    await versionWhen(gateway, name, `${name} to serve`, ({ state }) => state === 'available')
  }
})

test('a version whose sample has too many rows fails, by name', async () => {
  expect(
    await versionWhen(gateway, 'broken', 'a verdict', ({ state }) => state === 'failed'),
  ).toMatchObject({
    code: 'WARMUP_FAILED',
    reason: "The warm-up 'too large' fails: its batch_size is 9; max_batch_size is 8",
  })
})

const ask = async (): Promise<number> => {
  const inputs = [{ name: 'x', shape: [1, 1], datatype: 'BYTES', data: ['2.5'] }]
  const response = await gateway.post('/v2/models/number/infer', { inputs })
  await response.arrayBuffer()
  return response.status
}

const setNumber = (config: string): void => {
  writeFileSync(join(repository, 'number/config.pbtxt'), `max_batch_size: 8\n${config}`)
  gateway.reload()
}

const putFile = (value: string): void => {
  const folder = join(repository, 'number/warmup')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'number'), text(value))
}

const failsWith =
  (why: string) =>
  ({ state, warnings }: VersionStatus): boolean =>
    state === 'available' && warnings.some((warning) => warning.includes(why))

const isWell = ({ state, warnings }: VersionStatus): boolean =>
  state === 'available' && !warnings.some((warning) => warning.includes('WARMUP_FAILED'))

test('a sample that comes to fail keeps the version that serves, until it is mended', async () => {
  setNumber(sample('empty strings', 2, { x: strings('random_data: true') }))
  await versionWhen(
    gateway,
    'number',
    'the warning',
    failsWith("The warm-up 'empty strings' fails: "),
  )
  expect(await ask()).toBe(200)
  setNumber(NUMBER_FILE)
  await versionWhen(gateway, 'number', 'another warning', failsWith('warmup/number does not exist'))
  putFile('2.5')
  gateway.reload()
  await versionWhen(gateway, 'number', 'no warning', isWell)
  // The file is part of what was proved: another one is proved again.
  putFile('two')
  gateway.reload()
  await versionWhen(gateway, 'number', 'a warning for the file', failsWith("'a number' fails: "))
  expect(await ask()).toBe(200)
  putFile('3')
  gateway.reload()
  await versionWhen(gateway, 'number', 'no warning any more', isWell)
})

test('a new replica warms up from the copies, whatever lies in the repository now', async () => {
  await until(async () => (await gateway.replicaPids()).size === 2, { what: 'both replicas' })
  putFile('no number')
  const killed = await gateway.killReplica(0)
  await until(async () => ![undefined, killed].includes((await gateway.replicaPids()).get(0)), {
    what: 'a new replica',
  })
  expect(await ask()).toBe(200)
  expect(await gateway.version('number')).toMatchObject({ state: 'available' })
})
