/** What is asked of a GPU, over HTTP. Where there is one it is used; CI has none. */

import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { loadProven } from '../../src/runtime/load-proven.ts'
import { exampleInputs } from '../../src/runtime/proving-inputs.ts'
import { createSession, providerFault } from '../../src/runtime/session.ts'
import type { Manifest } from '../../src/shared/manifest.ts'
import {
  DEFAULT_CUDA,
  DEFAULT_SESSION,
  type SessionSettings,
} from '../../src/shared/session-settings.ts'
import { startGateway } from '../helpers/gateway.ts'
import { identity, mlp } from '../helpers/models.ts'
import { attribute, ELEMENT, floats, graph, model, node, value } from '../helpers/onnx-writer.ts'
import { LIMITS, makeProver, publish, reportOf } from '../helpers/prover.ts'
import { makeTree } from '../helpers/tree.ts'
import { until } from '../helpers/until.ts'

const ON_GPU: SessionSettings = {
  ...{ ...DEFAULT_SESSION, providers: ['cuda', 'cpu'] },
  cuda: { ...DEFAULT_CUDA, isRequired: true },
}
const HAS_GPU = providerFault(ON_GPU) === null
const MODEL = mlp([30, 256, 64, 4])
/** CUDA alone takes a gigabyte. */
const ROOMY = { limits: { ...LIMITS, timeoutMs: 60_000, memoryBytesMax: 2 ** 34 } }

/** Texts to floats, which the CPU alone does; then relu(f [1, -1]). */
const MIXED = model(
  graph({
    nodes: [
      node('Cast', ['x'], ['f'], { attributes: [attribute.int('to', ELEMENT.FP32)] }),
      node('MatMul', ['f', 'w'], ['product']),
      node('Relu', ['product'], ['y']),
    ],
    inputs: [value('x', ELEMENT.BYTES, ['N', 1])],
    outputs: [value('y', ELEMENT.FP32, ['N', 2])],
    initializers: [floats('w', [1, 2], [1, -1])],
  }),
)

/** Without an example, it is tried with empty texts, which are no numbers. */
const MIXED_MANIFEST: Manifest = {
  digest: createHash('sha256').update(MIXED).digest('hex'),
  features: [{ name: 'a', type: 'category', tensor: 'x', column: 0, optional: false, missing: '' }],
  task: 'regression',
  score: { output: 'y', column: 0 },
}

/** No machine has so many. */
const NO_SUCH = 127

describe('a gateway', () => {
  test('serves on the CPU what need not have its GPU, and says so; else the version fails', async () => {
    const gateway = await startGateway({
      repository: makeTree({
        'optional/1/model.onnx': MODEL,
        'optional/model.yaml': `session: {providers: [cuda], cuda: {device_ids: [${NO_SUCH}]}}`,
        'auto/1/model.onnx': MODEL,
        'auto/config.pbtxt': `instance_group { kind: KIND_AUTO gpus: ${NO_SUCH} }`,
        'required/1/model.onnx': MODEL,
        'required/config.pbtxt': `instance_group { kind: KIND_GPU gpus: ${NO_SUCH} }`,
      }),
      isReadyAwaited: false,
    })
    const isSettled = async () => {
      const { models } = await gateway.models()
      const states = models.map(({ versions }) => versions[0]?.state)
      return states.length === 3 && states.every((state) => state !== 'loading')
    }
    await until(isSettled, { what: 'all to be loaded, or to have failed', timeoutMs: 60_000 })
    for (const model of ['optional', 'auto']) {
      expect(await gateway.version(model)).toMatchObject({
        state: 'available',
        session: { providers: ['cpu'], cuda: null },
        placement: { kind: 'inline' },
        gpu: { use: 'unavailable', operators: null, memoryBytes: null },
        warnings: expect.arrayContaining([
          expect.stringMatching(
            /^it asks for a GPU and runs on the CPU: ONNX Runtime cannot use cuda here, on GPU 127: /,
          ),
        ]),
      })
    }
    expect(await gateway.version('required')).toMatchObject({
      state: 'failed',
      code: 'PROVIDER_UNAVAILABLE',
      reason: expect.stringContaining('on GPU 127: '),
    })
    const { warnings } = await gateway.status()
    expect(warnings).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^optional v1: it asks for a GPU and runs on the CPU: /),
        expect.stringMatching(/^required v1 failed: PROVIDER_UNAVAILABLE: /),
      ]),
    )
    const inputs = [{ name: 'x', shape: [1, 30], datatype: 'FP32', data: Array(30).fill(0.5) }]
    expect((await gateway.post('/v2/models/optional/infer', { inputs })).status).toBe(200)
  })
})

// Skipped: there is no GPU that ONNX Runtime can use; CI has none.
describe.skipIf(!HAS_GPU)('where there is a GPU', () => {
  test('prove() finds that it is used, by which operators, and what it takes', async () => {
    const report = reportOf(await makeProver(ROOMY).prove({ ...publish(MODEL), session: ON_GPU }))
    expect(report).toMatchObject({
      gpu: { use: 'used', operators: { cpu: 0 }, memoryBytes: expect.any(Number) },
      hasRowDimension: true,
      batchingAgrees: true,
      warnings: [],
    })
    expect(report.gpu?.operators?.gpu).toBeGreaterThan(0)
  })

  test('prove() has the CPU run what has kernels for it alone', async () => {
    const subject = { ...publish(identity('BYTES')), session: ON_GPU }
    expect(reportOf(await makeProver(ROOMY).prove(subject))).toMatchObject({
      gpu: { use: 'idle', operators: { gpu: 0 } },
      warnings: [expect.stringContaining('none of its operators has a kernel')],
    })
  })

  test('prove() serves operators of both, with copies between them', async () => {
    const row = { manifest: MIXED_MANIFEST, exampleRow: { a: '1.5' } }
    const subject = { ...publish(MIXED), session: ON_GPU, ...row }
    const report = reportOf(await makeProver(ROOMY).prove(subject))
    expect(report).toMatchObject({
      gpu: { use: 'used', operators: { gpu: 2, cpu: 1 } },
      hasRowDimension: true,
      batchingAgrees: true,
    })
    const proven = loadProven(report.provenFile, report.provenSha256, ON_GPU)
    const y = proven.run([{ datatype: 'BYTES', shape: [2, 1], data: ['-3', '4'] }])[0]
    expect(y).toMatchObject({ shape: [2, 2], data: Float32Array.of(0, 3, 4, 0) })
    proven.dispose()
  })

  test('prove() knows of no operators where the model refuses what it made up', async () => {
    const subject = { ...publish(MIXED), session: ON_GPU }
    expect(reportOf(await makeProver(ROOMY).prove(subject))).toMatchObject({
      gpu: { use: 'used', operators: null },
      batchingAgrees: false,
      warnings: [expect.stringContaining('made-up')],
    })
  })

  test('a session on a GPU that there is not says how many there are', () => {
    const nowhere = { ...ON_GPU, cuda: { ...DEFAULT_CUDA, deviceIds: [NO_SUCH] } }
    const fault = providerFault(nowhere)?.message ?? ''
    expect(fault).toMatch(
      /on GPU 127: CUDA error 101, invalid device ordinal: there is no such GPU: nvidia-smi shows \d+/,
    )
    expect(fault).not.toMatch(/hostname|\.cc|\/onnxruntime/)
  })

  test('prove() fails what takes more of its memory than it may', async () => {
    const session = { ...ON_GPU, cuda: { ...DEFAULT_CUDA, memoryBytesMax: 1 } }
    expect(await makeProver(ROOMY).prove({ ...publish(MODEL), session })).toMatchObject({
      code: 'PROVING_MEMORY',
      detail: expect.stringMatching(/^It takes \d+ MiB of its GPU/),
    })
  })

  test('a session answers as one of the CPU does, as far as TF32 goes', () => {
    const [cpu, gpu] = [createSession(MODEL), createSession(MODEL, ON_GPU)]
    const row = exampleInputs(cpu.signature, null, null)
    const [expected, found] = [cpu, gpu].map((session) => [...session.run(row)[0]!.data])
    for (const [i, answer] of expected!.entries()) {
      expect(Math.abs(Number(found![i]) - Number(answer))).toBeLessThan(2e-3)
    }
    cpu.dispose()
    gpu.dispose()
  })

  test('a gateway serves from it, pooled, with a session for each time that it is named', async () => {
    const gateway = await startGateway({
      repository: makeTree({
        'gpu/1/model.onnx': MODEL,
        'gpu/config.pbtxt': 'instance_group { kind: KIND_GPU gpus: 0 count: 2 }',
        'cpu/1/model.onnx': MODEL,
      }),
      flags: ['--replicas', '1'],
      env: { SLUICE_SERVER__COMPUTE_THREADS: '2' },
      readyTimeoutMs: 60_000,
    })
    const version = await gateway.version('gpu')
    expect(version).toMatchObject({
      state: 'available',
      gpu: { use: 'used' },
      placement: {
        ...{ kind: 'pooled', instances: 2 },
        reason: expect.stringContaining('it runs on GPU 0'),
      },
    })
    expect(version?.warnings).not.toContainEqual(expect.stringContaining('compute_threads'))
    const ask = async (model: string): Promise<number[]> => {
      const inputs = [{ name: 'x', shape: [1, 30], datatype: 'FP32', data: Array(30).fill(0.5) }]
      const response = await gateway.post(`/v2/models/${model}/infer`, { inputs })
      const { outputs } = (await response.json()) as { outputs: { data: number[] }[] }
      return outputs[0]!.data
    }
    const [onGpu, onCpu] = [await ask('gpu'), await ask('cpu')]
    for (const [i, answer] of onCpu.entries()) {
      expect(Math.abs(onGpu[i]! - answer)).toBeLessThan(2e-3)
    }
  })
})
