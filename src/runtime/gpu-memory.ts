/** GPUs and their memory, as nvidia-smi tells it; it comes with the driver. */

import { spawnSync } from 'node:child_process'

const SMI = 'nvidia-smi'
const TIMEOUT_MS = 10_000
const MIB = 1024 * 1024

/** Rows of numbers of a query of nvidia-smi; null where there is none, or it fails. */
const query = (what: string, gpu: string | null = null): number[][] | null => {
  const one = gpu === null ? [] : [`--id=${gpu}`]
  const { status, stdout } = spawnSync(SMI, [what, ...one, '--format=csv,noheader,nounits'], {
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
  })
  if (status !== 0) return null
  return stdout
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => line.split(',').map(Number))
}

/** What nvidia-smi takes for one GPU: its index, or the whole of its UUID. */
const SMI_NAME = /^(?:\d+|GPU-[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})$/i

/**
 * What nvidia-smi calls the GPU that CUDA counts as `id`, given CUDA_VISIBLE_DEVICES. GPUs of
 * several makes are counted alike by both with CUDA_DEVICE_ORDER=PCI_BUS_ID alone. null: unknown.
 */
export const smiName = (id: number, cudaVisibleDevices: string | null): string | null => {
  const name = cudaVisibleDevices === null ? `${id}` : cudaVisibleDevices.split(',')[id]?.trim()
  return name !== undefined && SMI_NAME.test(name) ? name : null
}

/** Memory in use. */
export interface GpuMemory {
  readonly bytes: number
  /** By all programs, as nvidia-smi does not know this process (in a container); or by it alone. */
  readonly isOfAll: boolean
}

/** What is in use on a GPU, or on all where it has no name. null: nobody tells. */
export const gpuMemory = (gpu: string | null): GpuMemory | null => {
  const apps = query('--query-compute-apps=pid,used_memory', gpu)
  const own = apps?.filter(([pid]) => pid === process.pid) ?? []
  const isOfAll = own.length === 0
  const used = isOfAll ? query('--query-gpu=memory.used', gpu)?.flat() : own.map(([, mib]) => mib!)
  const sum = used?.reduce((total, mib) => total + mib, 0)
  return sum === undefined || Number.isNaN(sum) ? null : { bytes: sum * MIB, isOfAll }
}

/** GPUs here, whether or not CUDA_VISIBLE_DEVICES shows them to CUDA. null: nobody tells. */
export const gpuCount = (): number | null => query('--query-gpu=index')?.length ?? null
