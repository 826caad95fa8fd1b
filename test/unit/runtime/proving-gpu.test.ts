import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  checkGpuMemory,
  countOperators,
  type GpuMachine,
  gpuGrowth,
  gpuMachine,
  idleGpu,
  machineFault,
  settleGpu,
} from '../../../src/runtime/proving-gpu.ts'
import { exampleInputs } from '../../../src/runtime/proving-inputs.ts'
import { createSession } from '../../../src/runtime/session.ts'
import { GatewayError } from '../../../src/shared/errors.ts'
import { DEFAULT_SESSION, type SessionSettings } from '../../../src/shared/session-settings.ts'
import { identity, mlp, scaleAdd } from '../../helpers/models.ts'
import { makeTempDir } from '../../helpers/temp-dir.ts'

/** On a GPU that no machine has. */
const onGpu = (isRequired: boolean, memoryBytesMax: number | null = null): SessionSettings => ({
  ...{ ...DEFAULT_SESSION, providers: ['cuda', 'cpu'] },
  cuda: { deviceIds: [127, 127], isRequired, memoryBytesMax },
})

const MACHINE = gpuMachine(null)

/** One whose GPUs can all be used. */
const withGpus = (memory: ReturnType<GpuMachine['memoryOf']>): GpuMachine => ({
  providerFault: () => null,
  memoryOf: () => memory,
})

test('settleGpu() leaves what asks for none alone', () => {
  expect(settleGpu(DEFAULT_SESSION, MACHINE)).toEqual({
    ...{ settings: DEFAULT_SESSION, use: null, warning: null },
  })
})

test('settleGpu() falls back to the CPU, unless the GPU is required', () => {
  expect(settleGpu(onGpu(false), MACHINE)).toEqual({
    settings: DEFAULT_SESSION,
    use: 'unavailable',
    warning: expect.stringMatching(/^it asks for a GPU and runs on the CPU: .* on GPU 127: ./),
  })
  expect(() => settleGpu(onGpu(true), MACHINE)).toThrow(
    expect.objectContaining({ code: 'PROVIDER_UNAVAILABLE' }),
  )
})

test('settleGpu() runs on a GPU whose memory nobody can watch, unless it is required', () => {
  const [optional, required] = [onGpu(false, 1), onGpu(true, 1)]
  const used = { use: 'used', warning: null }
  const watched = withGpus({ bytes: 0, isOfAll: true })
  expect(settleGpu(optional, watched)).toEqual({ settings: optional, ...used })
  expect(settleGpu(onGpu(true), withGpus(null))).toEqual({ settings: onGpu(true), ...used })
  expect(settleGpu(optional, withGpus(null))).toEqual({
    ...{ settings: optional, use: 'used' },
    warning: expect.stringContaining('nvidia-smi does not answer'),
  })
  expect(() => settleGpu(required, withGpus(null))).toThrow(
    expect.objectContaining({ code: 'PROVIDER_UNAVAILABLE' }),
  )
})

test.each([
  ['of a GPU', new GatewayError('PROVIDER_UNAVAILABLE', 'none'), 'PROVIDER_UNAVAILABLE'],
  ['of its memory', new GatewayError('PROVING_MEMORY', 'full'), 'PROVING_MEMORY'],
  ['of CUDA', new Error('CUDA failure 2: out of memory ; GPU=0 ;'), 'PROVING_MEMORY'],
  ['of memory', new Error('std::bad_alloc'), 'PROVING_MEMORY'],
  ['of the model', new GatewayError('MODEL_INVALID', 'bad'), undefined],
  ['of a run', new Error('indices element out of data bounds'), undefined],
])('machineFault() of a fault %s', (_, thrown, code) => {
  expect(machineFault(thrown)?.code).toBe(code)
})

test('idleGpu() says why a model is served by the CPU', () => {
  expect(idleGpu(onGpu(true))).toMatchObject({
    ...{ settings: DEFAULT_SESSION, use: 'idle' },
    warning: expect.stringContaining('none of its operators has a kernel'),
  })
})

test.each([
  ['a sum of products', scaleAdd(), 2],
  ['three layers and their activations', mlp(), 6],
  ['text', identity('BYTES'), 1],
])('countOperators() counts those of %s', (_, bytes, cpu) => {
  const folder = makeTempDir('profile')
  const file = join(folder, 'model.onnx')
  writeFileSync(file, bytes)
  const session = createSession(bytes)
  const row = exampleInputs(session.signature, null, null)
  session.dispose()
  const operators = countOperators(file, DEFAULT_SESSION, row, join(folder, 'profile'))
  expect(operators).toEqual({ gpu: 0, cpu })
})

test('countOperators() of what does not run once more is null', () => {
  const folder = makeTempDir('profile')
  const file = join(folder, 'model.onnx')
  const counted = (row: Parameters<typeof countOperators>[2]) =>
    countOperators(file, DEFAULT_SESSION, row, join(folder, 'profile'))
  expect(counted([])).toBe(null)
  writeFileSync(file, scaleAdd())
  expect(counted([{ datatype: 'BYTES', shape: [1], data: ['a'] }])).toBe(null)
})

test('gpuGrowth() compares what is of the same programs', () => {
  const [own, all] = [false, true].map((isOfAll) => (bytes: number) => ({ bytes, isOfAll }))
  expect(gpuGrowth(own!(3), own!(5))).toEqual(own!(2))
  expect(gpuGrowth(all!(5), all!(3))).toEqual(all!(0))
  expect(gpuGrowth(all!(3), own!(5))).toBe(null)
  expect(gpuGrowth(null, own!(5))).toBe(null)
  expect(gpuGrowth(own!(5), null)).toBe(null)
})

test('checkGpuMemory() fails what takes more than it may', () => {
  const MIB = 2 ** 20
  const may = onGpu(false, 512 * MIB)
  const own = (bytes: number) => ({ bytes, isOfAll: false })
  expect(() => checkGpuMemory(own(512 * MIB), may)).not.toThrow()
  expect(() => checkGpuMemory(null, may)).not.toThrow()
  expect(() => checkGpuMemory(own(2 ** 40), onGpu(false))).not.toThrow()
  expect(() => checkGpuMemory(own(2 ** 40), DEFAULT_SESSION)).not.toThrow()
  expect(() => checkGpuMemory(own(512 * MIB + 1), may)).toThrow(
    expect.objectContaining({
      code: 'PROVING_MEMORY',
      message: 'It takes 513 MiB of its GPU, and cuda.memory_bytes_max is 512 MiB',
    }),
  )
  expect(() => checkGpuMemory({ bytes: 513 * MIB, isOfAll: true }, may)).toThrow(
    'All programs took 513 MiB more of its GPU, and cuda.memory_bytes_max is 512 MiB',
  )
})
