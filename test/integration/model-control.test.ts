/** Models that are loaded and unloaded by request, as in Triton's qa/L0_lifecycle, and polling. */

import { closeSync, openSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { startGateway, type TestGateway } from '../helpers/gateway.ts'
import { identity, mlp, scaleAdd } from '../helpers/models.ts'
import { makeRepository, writeTree } from '../helpers/repository.ts'
import { makeTempDir } from '../helpers/temp-dir.ts'
import { until } from '../helpers/until.ts'

const EXPLICIT = ['--model-control-mode', 'explicit']

type Index = readonly { name: string; version?: string; state: string; reason: string }[]

const control = async (gateway: TestGateway, model: string, what: string, body: unknown = '') => {
  const response = await gateway.post(`/v2/repository/models/${model}/${what}`, body)
  const text = await response.text()
  return { status: response.status, code: response.headers.get('x-sluice-error'), text }
}

const load = (gateway: TestGateway, model: string) => control(gateway, model, 'load')
const unload = (gateway: TestGateway, model: string) => control(gateway, model, 'unload')
const DONE = { status: 200, code: null, text: '' }

const stateOf = async (gateway: TestGateway, model: string, version: number) => {
  const response = await gateway.post('/v2/repository/index', '')
  const index = (await response.json()) as Index
  return index.find((each) => each.name === model && each.version === String(version))
}

const statusOf = async (gateway: TestGateway, path: string): Promise<number> => {
  const response = await fetch(`${gateway.httpUrl}/v2/models/${path}/ready`)
  await response.arrayBuffer()
  return response.status
}

/** What a model makes of one row of two numbers, 1 and 2; else the status. */
const infer = async (gateway: TestGateway, model: string): Promise<string> => {
  const inputs = [{ name: 'x', datatype: 'FP32', shape: [1, 2], data: [1, 2] }]
  const response = await gateway.post(`/v2/models/${model}/infer`, { inputs })
  const body = (await response.json()) as { outputs?: { data: number[] }[] }
  return body.outputs?.[0]?.data.join() ?? String(response.status)
}

/** Asks a model without end; resolves, once told to stop, with all the different answers. */
const traffic = (gateway: TestGateway, model: string) => {
  const seen = new Set<string>()
  let isOver = false
  const ask = async () => {
    while (!isOver) seen.add(await infer(gateway, model).catch((error: unknown) => String(error)))
  }
  const all = Promise.all([ask(), ask()])
  return async (): Promise<string[]> => {
    isOver = true
    await all
    return [...seen].sort()
  }
}

describe('the explicit mode', () => {
  test('loads, reloads and unloads by request, while others are asked', async () => {
    const repository = makeRepository({
      'echo/1/model.onnx': identity('FP32'),
      'steady/1/model.onnx': scaleAdd(2),
    })
    const gateway = await startGateway({
      repository,
      flags: [...EXPLICIT, '--load-model', 'steady'],
    })
    const stop = traffic(gateway, 'steady')
    expect(await stateOf(gateway, 'echo', 1)).toMatchObject({
      ...{ state: 'UNAVAILABLE', reason: 'unloaded' },
    })
    expect(await infer(gateway, 'echo')).toBe('404')
    expect(await load(gateway, 'echo')).toEqual(DONE)
    expect(await infer(gateway, 'echo')).toBe('1,2')
    expect([await statusOf(gateway, 'echo'), await stateOf(gateway, 'echo', 1)]).toMatchObject([
      ...[200, { state: 'READY', reason: '' }],
    ])
    // A newer version is taken by a load, and by nothing else; the old one then goes.
    writeTree(repository, { 'echo/3/model.onnx': scaleAdd(2) })
    expect(await load(gateway, 'steady')).toEqual(DONE)
    expect(await infer(gateway, 'echo')).toBe('1,2')
    expect(await load(gateway, 'echo')).toEqual(DONE)
    expect(await infer(gateway, 'echo')).toBe('3,5')
    expect(await statusOf(gateway, 'echo/versions/1')).toBe(404)
    const loads = await Promise.all([load(gateway, 'echo'), load(gateway, 'echo')])
    expect(loads).toEqual([DONE, DONE])
    const body = { parameters: { unload_dependents: true } }
    expect(await control(gateway, 'echo', 'unload', body)).toEqual(DONE)
    expect([await infer(gateway, 'echo'), await statusOf(gateway, 'echo')]).toEqual(['404', 404])
    expect(await gateway.isReady()).toBe(true)
    expect(await stop()).toEqual(['3,5'])
    expect(await gateway.stop()).toEqual({ code: 0, signal: null })
  })

  test('says why a model cannot be loaded, and serves the old one on', async () => {
    const repository = makeRepository({ 'm/1/model.onnx': identity('FP32') })
    const gateway = await startGateway({ repository, flags: [...EXPLICIT, '--load-model', '*'] })
    const stop = traffic(gateway, 'm')
    expect(await load(gateway, 'nowhere')).toMatchObject({
      ...{ status: 400, code: 'LOAD_FAILED' },
      text: `{"error":"failed to load 'nowhere', failed to poll from model repository"}`,
    })
    expect(await unload(gateway, 'nowhere')).toMatchObject({ status: 400, code: 'LOAD_FAILED' })
    const file = join(repository, 'm/2/model.onnx')
    const bad: [Record<string, Uint8Array | string>, RegExp][] = [
      [{ 'm/2/model.onnx': 'no model' }, /version 2 is at UNAVAILABLE state: MODEL_INVALID/],
      [{ 'm/2/manifest.json': '{' }, /MANIFEST_INVALID/],
      [{ 'm/model.yaml': 'max_batch: x' }, /MODEL_CONFIG_INVALID/],
    ]
    for (const [tree, message] of bad) {
      rmSync(join(repository, 'm/model.yaml'), { force: true })
      writeTree(repository, { 'm/2/model.onnx': scaleAdd(2), ...tree })
      const refusal = await load(gateway, 'm')
      expect(refusal).toMatchObject({ status: 400, text: expect.stringMatching(message) })
      expect(refusal.text).not.toMatch(/\/tmp/)
    }
    rmSync(join(repository, 'm/model.yaml'))
    rmSync(file)
    expect(await load(gateway, 'm')).toMatchObject({ text: expect.stringMatching(/no model.onnx/) })
    expect(await stop()).toEqual(['1,2'])
    rmSync(join(repository, 'm/2'), { recursive: true })
    expect(await load(gateway, 'm')).toEqual(DONE)
  })

  test('keeps what was asked for over a restart of control', async () => {
    const repository = makeRepository({
      'a/1/model.onnx': identity('FP32'),
      'b/1/model.onnx': identity('FP32'),
    })
    const flags = [...EXPLICIT, '--load-model', 'a']
    const first = await startGateway({ repository, flags })
    expect(await load(first, 'b')).toEqual(DONE)
    expect(await unload(first, 'a')).toEqual(DONE)
    await first.killControl()
    const { stateDir, httpPort, grpcPort } = first
    const next = await startGateway({ repository, flags, stateDir, httpPort, grpcPort })
    expect([await infer(next, 'a'), await infer(next, 'b')]).toEqual(['404', '1,2'])
    next.reload()
    await next.untilSettled()
    expect([await infer(next, 'a'), await infer(next, 'b')]).toEqual(['404', '1,2'])
  })

  test('50 loads and unloads at once fail nobody who is not asked to go', async () => {
    const names = Array.from({ length: 5 }, (_, i) => `m${i}`)
    const tree = names.map((name, i) => [`${name}/1/model.onnx`, mlp([2, 3 + i, 2])] as const)
    const repository = makeRepository({
      'steady/1/model.onnx': scaleAdd(2),
      ...Object.fromEntries(tree),
    })
    const gateway = await startGateway({
      repository,
      flags: [...EXPLICIT, '--load-model', 'steady'],
    })
    const stop = traffic(gateway, 'steady')
    const asked = Array.from({ length: 50 }, (_, i) => {
      const name = names[i % names.length]!
      return i % 3 === 2 ? unload(gateway, name) : load(gateway, name)
    })
    for (const answer of await Promise.all(asked)) {
      const isOvertaken = answer.text.includes('it was asked to unload meanwhile')
      expect(isOvertaken ? DONE : answer).toEqual(DONE)
    }
    expect(await Promise.all(names.map((name) => load(gateway, name)))).toEqual(
      names.map(() => DONE),
    )
    for (const name of names) expect(await statusOf(gateway, name)).toBe(200)
    await Promise.all(names.map((name) => unload(gateway, name)))
    for (const name of names) expect(await statusOf(gateway, name)).toBe(404)
    expect(await stop()).toEqual(['3,5'])
    const models = (await gateway.status()).endpoints.map(({ name }) => name)
    expect(models).toEqual(['steady'])
  })

  test('ends in order while a model is being loaded', async () => {
    const repository = makeRepository({ 'm/1/model.onnx': identity('FP32') })
    const gateway = await startGateway({ repository, flags: EXPLICIT })
    const loading = load(gateway, 'm').catch(() => null)
    expect(await gateway.stop()).toEqual({ code: 0, signal: null })
    await loading
  })
})

test('the modes none and poll let nobody load by request', async () => {
  const gateway = await startGateway({ repository: makeRepository({}), isReadyAwaited: false })
  await until(() => fetch(`${gateway.httpUrl}/livez`).catch(() => null), {
    ...{ what: 'a replica', timeoutMs: 30_000 },
  })
  const refusal = await load(gateway, 'm')
  expect(refusal).toMatchObject({ status: 403, code: 'FORBIDDEN' })
  expect(refusal.text).toMatch(/explicit model load \/ unload is not allowed/)
})

describe('the mode poll', () => {
  test('takes what has changed, once it is whole, and lets go of what has gone', async () => {
    const repository = makeRepository({ 'm/1/model.onnx': identity('FP32') })
    const config = join(makeTempDir(), 'sluice.yaml')
    writeFileSync(config, 'model_control_mode: poll\nmodel_poll_seconds: 0.2\n')
    const gateway = await startGateway({ repository, config })
    const stop = traffic(gateway, 'm')
    const untilAnswer = (answer: string) =>
      until(async () => (await infer(gateway, 'm')) === answer, { what: `the answer ${answer}` })
    // Written in pieces, as a copy does it: no half of it is ever tried.
    const bytes = scaleAdd(2)
    writeTree(repository, { 'm/2/model.onnx': '' })
    const copy = openSync(join(repository, 'm/2/model.onnx'), 'w')
    for (let at = 0; at < bytes.length; at += Math.ceil(bytes.length / 5)) {
      writeSync(copy, bytes.subarray(at, at + Math.ceil(bytes.length / 5)))
      await until(
        async () =>
          (await stateOf(gateway, 'm', 2))?.reason === 'Its files are still being written',
        { what: 'the copy to be seen' },
      )
    }
    closeSync(copy)
    await untilAnswer('3,5')
    // Moved into its place.
    writeTree(repository, { 'm/.new/model.onnx': identity('FP32') })
    renameSync(join(repository, 'm/.new'), join(repository, 'm/10'))
    await untilAnswer('1,2')
    rmSync(join(repository, 'm/10'), { recursive: true })
    await untilAnswer('3,5')
    expect(await stop()).toEqual(['1,2', '3,5'])
    writeTree(repository, { 'n/1/model.onnx': identity('FP32') })
    await until(async () => (await infer(gateway, 'n')) === '1,2', { what: 'a new model' })
    rmSync(join(repository, 'n'), { recursive: true })
    await until(async () => (await infer(gateway, 'n')) === '404', { what: 'no model' })
  })

  test('serves on while the repository has gone, and takes it when it is back', async () => {
    const repository = makeRepository({ 'm/1/model.onnx': identity('FP32') })
    const config = join(makeTempDir(), 'sluice.yaml')
    writeFileSync(config, 'model_control_mode: poll\nmodel_poll_seconds: 0.2\n')
    const gateway = await startGateway({ repository, config })
    const stop = traffic(gateway, 'm')
    renameSync(repository, `${repository}-away`)
    const says = async (what: string) => (await gateway.status()).warnings.join().includes(what)
    await until(() => says('does not exist'), { what: 'a warning' })
    writeTree(`${repository}-away`, { 'm/2/model.onnx': scaleAdd(2) })
    renameSync(`${repository}-away`, repository)
    await until(async () => (await infer(gateway, 'm')) === '3,5', { what: 'the new version' })
    expect(await says('does not exist')).toBe(false)
    expect(await stop()).toEqual(['1,2', '3,5'])
  })
})
