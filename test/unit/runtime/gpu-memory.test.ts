import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { gpuCount, gpuMemoryBytes } from '../../../src/runtime/gpu-memory.ts'
import { atEnd } from '../../helpers/clean-up.ts'
import { makeTempDir } from '../../helpers/temp-dir.ts'

const MIB = 1024 * 1024

/** What nvidia-smi prints for processes and for GPUs, by the query, as its driver 580 does. */
const install = (processes: string, gpus: string): void => {
  const folder = makeTempDir('smi')
  const file = join(folder, 'nvidia-smi')
  writeFileSync(
    file,
    `#!/bin/sh
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

test('gpuMemoryBytes() is what this process has, on all GPUs', () => {
  install(`7, 900\\n${process.pid}, 512\\n${process.pid}, 20\\n`, '9000\\n')
  expect(gpuMemoryBytes()).toBe(532 * MIB)
})

test('gpuMemoryBytes() is what all have, where nvidia-smi does not know this process', () => {
  install('', '1000\\n24\\n')
  expect(gpuMemoryBytes()).toBe(1024 * MIB)
  install('7, 900\\n', '0\\n')
  expect(gpuMemoryBytes()).toBe(0)
})

test('gpuMemoryBytes() is null where nobody tells', () => {
  install('', '[N/A]\\n')
  expect(gpuMemoryBytes()).toBe(null)
  process.env['PATH'] = makeTempDir('nowhere')
  expect(gpuMemoryBytes()).toBe(null)
})

test('gpuCount() is that of the machine', () => {
  install('', '')
  expect(gpuCount()).toBe(2)
  process.env['PATH'] = makeTempDir('nowhere')
  expect(gpuCount()).toBe(null)
})
