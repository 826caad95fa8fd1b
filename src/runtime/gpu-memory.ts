/** GPUs and their memory, as nvidia-smi tells it; it comes with the driver. */

import { spawnSync } from 'node:child_process'

const SMI = 'nvidia-smi'
const TIMEOUT_MS = 10_000
const MIB = 1024 * 1024

/** Rows of numbers of a query of nvidia-smi; null where there is none, or it fails. */
const query = (what: string): number[][] | null => {
  const { status, stdout } = spawnSync(SMI, [what, '--format=csv,noheader,nounits'], {
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
  })
  if (status !== 0) return null
  return stdout
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => line.split(',').map(Number))
}

/**
 * Bytes in use on all GPUs: by this process, or, where nvidia-smi does not know it (in a
 * container), by everybody. null: nobody tells.
 */
export const gpuMemoryBytes = (): number | null => {
  const own = query('--query-compute-apps=pid,used_memory')?.filter(([pid]) => pid === process.pid)
  const used = own?.length ? own.map(([, mib]) => mib!) : query('--query-gpu=memory.used')?.flat()
  const sum = used?.reduce((total, mib) => total + mib, 0)
  return sum === undefined || Number.isNaN(sum) ? null : sum * MIB
}

/** GPUs here, whether or not CUDA_VISIBLE_DEVICES shows them to CUDA. null: nobody tells. */
export const gpuCount = (): number | null => query('--query-gpu=index')?.length ?? null
