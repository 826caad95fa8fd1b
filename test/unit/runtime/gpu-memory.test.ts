import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { gpuCount, gpuMemory, smiName } from '../../../src/runtime/gpu-memory.ts'
import { atEnd } from '../../helpers/clean-up.ts'
import { makeTempDir } from '../../helpers/temp-dir.ts'

const MIB = 1024 * 1024

/** What nvidia-smi prints for processes and for GPUs, by the query, as its driver 580 does. */
const install = (processes: string, gpus: string, one = ''): void => {
  const folder = makeTempDir('smi')
  const file = join(folder, 'nvidia-smi')
  writeFileSync(
    file,
    `#!/bin/sh
test "$2" = --id=3 && { printf '${one}'; exit 0; }
case "$1" in
  --query-compute-apps=pid,used_memory) printf '${processes}' ;;
  --query-gpu=memory.used) printf '${gpus}' ;;
  --query-gpu=index) printf '0\\n1\\n' ;;
  *) exit 2 ;;
esac
`,
  )
  chmodSync(file, 0o755)
  process.env['PATH'] = `${folder}:${process.env['PATH']}`
}

beforeEach(() => {
  const before = process.env['PATH']
  atEnd(() => {
    process.env['PATH'] = before
  })
})

test('gpuMemory() is what this process has, on all GPUs where none is named', () => {
  install(`7, 900\\n${process.pid}, 512\\n${process.pid}, 20\\n`, '9000\\n')
  expect(gpuMemory(null)).toEqual({ bytes: 532 * MIB, isOfAll: false })
})

test('gpuMemory() is what all programs have, where nvidia-smi does not know this process', () => {
  install('', '1000\\n24\\n')
  expect(gpuMemory(null)).toEqual({ bytes: 1024 * MIB, isOfAll: true })
  install('7, 900\\n', '0\\n')
  expect(gpuMemory(null)).toEqual({ bytes: 0, isOfAll: true })
})

test('gpuMemory() is that of the GPU that is named', () => {
  install(`${process.pid}, 512\\n`, '9000\\n', `${process.pid}, 40\\n`)
  expect(gpuMemory('3')).toEqual({ bytes: 40 * MIB, isOfAll: false })
  install('', '9000\\n', '30\\n')
  expect(gpuMemory('3')).toEqual({ bytes: 30 * MIB, isOfAll: true })
})

test('gpuMemory() is null where nobody tells', () => {
  install('', '[N/A]\\n')
  expect(gpuMemory(null)).toBe(null)
  process.env['PATH'] = makeTempDir('nowhere')
  expect(gpuMemory('0')).toBe(null)
})

const UUID = 'GPU-8932f937-d72c-4106-c12f-20bd9faed9f6'

test.each([
  [1, null, '1'],
  [1, '3,5', '5'],
  [0, ` ${UUID} , 1`, UUID],
  [2, '3,5', null],
  [0, '', null],
  [0, 'GPU-8932f937', null], // CUDA takes the beginning of a UUID, nvidia-smi does not
  [0, 'MIG-8932f937-d72c-4106-c12f-20bd9faed9f6', null],
  [0, '-1', null],
])('smiName() of GPU %i with CUDA_VISIBLE_DEVICES=%s is %s', (id, visible, name) => {
  expect(smiName(id, visible)).toBe(name)
})

test('gpuCount() is that of the machine', () => {
  install('', '')
  expect(gpuCount()).toBe(2)
  process.env['PATH'] = makeTempDir('nowhere')
  expect(gpuCount()).toBe(null)
})
