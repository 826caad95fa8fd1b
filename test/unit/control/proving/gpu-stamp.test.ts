import { expect, test } from 'vitest'
import { gpuStamp } from '../../../../src/control/proving/gpu-stamp.ts'

test('gpuStamp() is the same as long as nothing changes', () => {
  expect(gpuStamp({ PATH: '/bin' })).toBe(gpuStamp({ PATH: '/sbin' }))
})

test.each(['CUDA_VISIBLE_DEVICES', 'CUDA_DEVICE_ORDER', 'NVIDIA_TF32_OVERRIDE'])(
  'gpuStamp() is another with another %s',
  (name) => {
    const stamps = [undefined, '', '0', '1'].map((value) => gpuStamp({ [name]: value }))
    expect(new Set(stamps).size).toBe(4)
  },
)
