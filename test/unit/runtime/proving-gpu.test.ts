import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  checkGpuMemory,
  countOperators,
  idleGpu,
  settleGpu,
} from '../../../src/runtime/proving-gpu.ts'
import { exampleInputs } from '../../../src/runtime/proving-inputs.ts'
import { createSession } from '../../../src/runtime/session.ts'
import { DEFAULT_SESSION, type SessionSettings } from '../../../src/shared/session-settings.ts'
import { identity, mlp, scaleAdd } from '../../helpers/models.ts'
import { makeTempDir } from '../../helpers/temp-dir.ts'

/** On a GPU that no machine has. */
const onGpu = (isRequired: boolean, memoryBytesMax: number | null = null): SessionSettings => ({
  ...{ ...DEFAULT_SESSION, providers: ['cuda', 'cpu'] },
  cuda: { deviceIds: [127, 127], isRequired, memoryBytesMax },
})

test('settleGpu() leaves what asks for none alone', () => {
  expect(settleGpu(DEFAULT_SESSION)).toEqual({
    ...{ settings: DEFAULT_SESSION, use: null, warning: null },
  })
})

test('settleGpu() falls back to the CPU, unless the GPU is required', () => {
  expect(settleGpu(onGpu(false))).toEqual({
    settings: DEFAULT_SESSION,
    use: 'unavailable',
    warning: expect.stringMatching(/^it asks for a GPU and runs on the CPU: .* on GPU 127: ./),
  })
  expect(() => settleGpu(onGpu(true))).toThrow(
    expect.objectContaining({ code: 'PROVIDER_UNAVAILABLE' }),
  )
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

test('checkGpuMemory() fails what takes more than it may', () => {
  const MIB = 2 ** 20
  const may = onGpu(false, 512 * MIB)
  expect(() => checkGpuMemory(512 * MIB, may)).not.toThrow()
  expect(() => checkGpuMemory(null, may)).not.toThrow()
  expect(() => checkGpuMemory(2 ** 40, onGpu(false))).not.toThrow()
  expect(() => checkGpuMemory(2 ** 40, DEFAULT_SESSION)).not.toThrow()
  expect(() => checkGpuMemory(512 * MIB + 1, may)).toThrow(
    expect.objectContaining({
      code: 'PROVING_MEMORY',
      message: 'It takes 513 MiB of its GPU, and cuda.memory_bytes_max is 512 MiB',
    }),
  )
})
