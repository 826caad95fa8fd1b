import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { gpuStamp } from '../../../../src/control/proving/gpu-stamp.ts'
import { makeTempDir } from '../../../helpers/temp-dir.ts'

test('gpuStamp() is the same as long as nothing changes', () => {
  expect(gpuStamp({ PATH: '/bin' })).toBe(gpuStamp({ PATH: '/sbin' }))
})

test.each(['shared', 'cuda'])('gpuStamp() is another with another provider file: %s', (part) => {
  const folder = makeTempDir('providers')
  const stamps = ['', 'one', 'other'].map((content) => {
    const file = join(folder, `libonnxruntime_providers_${part}.so`)
    if (content !== '') writeFileSync(file, content)
    return gpuStamp({}, folder)
  })
  expect(new Set(stamps).size).toBe(3)
  expect(gpuStamp({}, folder)).toBe(stamps.at(-1))
})

test.each(['CUDA_VISIBLE_DEVICES', 'CUDA_DEVICE_ORDER', 'NVIDIA_TF32_OVERRIDE', 'LD_LIBRARY_PATH'])(
  'gpuStamp() is another with another %s',
  (name) => {
    const stamps = [undefined, '', '0', '1'].map((value) => gpuStamp({ [name]: value }))
    expect(new Set(stamps).size).toBe(4)
  },
)
