/** The parameters of Triton's ONNX backend, and what becomes of them. */

import { DEFAULT_CUDA, type SessionSettings } from '../../shared/session-settings.ts'
import { SESSION_THREADS_MAX } from './model.ts'
import { FALSE } from './triton-keys.ts'

export interface ObeyedParameter {
  readonly verdict: 'obeyed'
  readonly says: string
  /** Values that it takes. */
  readonly wanted: string
  /** The setting that a text asks for; null for a text that is none of them. */
  read(text: string): Partial<SessionSettings> | null
}

interface OtherParameter {
  readonly verdict: 'warned'
  readonly says: string
  /** Values that ask for nothing. */
  readonly harmless: readonly string[]
}

const warned = (says: string, harmless: readonly string[] = []): OtherParameter => ({
  verdict: 'warned',
  says,
  harmless,
})

export const DEVICE_ONLY = 'ONNX Runtime for Node passes nothing on to CUDA but the device'

/** Of the parameters of a model, and of those of the accelerator `cuda`. */
export const GPU_MEM_LIMIT: ObeyedParameter = {
  verdict: 'obeyed',
  says: '`session.cuda.memory_bytes_max`: the proving run may take no more, where Triton limits the arena',
  wanted: 'bytes, "1" or more',
  read: (text) =>
    /^[1-9]\d{0,14}$/.test(text)
      ? { cuda: { ...DEFAULT_CUDA, memoryBytesMax: Number(text) } }
      : null,
}

/** A number below 1 is ONNX Runtime's default, as in the backend. */
const threads = (key: 'intraOpThreads' | 'interOpThreads', says: string): ObeyedParameter => ({
  ...{ verdict: 'obeyed', says, wanted: `"0" to "${SESSION_THREADS_MAX}"` },
  read(text) {
    const count = /^-?\d{1,9}$/.test(text) ? Number(text) : Number.NaN
    return count <= SESSION_THREADS_MAX ? { [key]: Math.max(0, count) } : null
  },
})

const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ...['true', '1', 'on'].map((word) => [word, true] as const),
  ...['false', '0', 'off'].map((word) => [word, false] as const),
])

const boolean = (key: 'memoryArena' | 'memoryPattern', says: string): ObeyedParameter => ({
  ...{ verdict: 'obeyed', says, wanted: '"0" or "1"' },
  read(text) {
    const value = BOOLEANS.get(text.toLowerCase())
    return value === undefined ? null : { [key]: value }
  },
})

const MODES: ReadonlyMap<string, SessionSettings['executionMode']> = new Map([
  ['0', 'sequential'],
  ['1', 'parallel'],
])

export const PARAMETERS: Readonly<Record<string, ObeyedParameter | OtherParameter>> = {
  intra_op_thread_count: threads(
    'intraOpThreads',
    '`session.intra_op_threads`, 0 where it is negative; 1 where it is absent, unlike in Triton',
  ),
  inter_op_thread_count: threads(
    'interOpThreads',
    '`session.inter_op_threads`, 0 where it is negative; 1 where it is absent, unlike in Triton',
  ),
  execution_mode: {
    verdict: 'obeyed',
    says: '`session.execution_mode`; 0: `sequential`, 1: `parallel`',
    wanted: '"0", sequential, or "1", parallel',
    read(text) {
      const executionMode = MODES.get(text)
      return executionMode === undefined ? null : { executionMode }
    },
  },
  enable_mem_arena: boolean('memoryArena', '`session.memory_arena`'),
  enable_mem_pattern: boolean('memoryPattern', '`session.memory_pattern`'),
  'memory.enable_memory_arena_shrinkage': warned('an arena keeps its memory', ['']),
  'session.use_device_allocator_for_initializers': warned('weights lie in the arena', ['0', '']),
  share_session_between_instances: warned(
    'every thread that runs a model has a session of its own',
    FALSE,
  ),
  cudnn_conv_algo_search: warned(DEVICE_ONLY, ['0']),
  gpu_mem_limit: GPU_MEM_LIMIT,
  arena_extend_strategy: warned(DEVICE_ONLY, ['0']),
  do_copy_in_default_stream: warned(DEVICE_ONLY, ['1']),
}
