import { describe, expect, test } from 'vitest'
import { parseTritonConfig } from '../../../src/config/triton-config.ts'
import { DEFAULT_SESSION } from '../../../src/shared/session-settings.ts'

/** What a sound file says. */
const sound = (text: string) => {
  const result = parseTritonConfig(new TextEncoder().encode(text), 'm')
  if ('code' in result) throw new Error(result.detail)
  return result
}

const configOf = (text: string) => sound(text).config
const warningsOf = (text: string) => sound(text).warnings.map(({ detail }) => detail)

describe('parseTritonConfig() takes for the session', () => {
  test.each([
    ['threads', 'intra_op_thread_count', '4', { intraOpThreads: 4 }],
    ['all cores', 'intra_op_thread_count', '0', { intraOpThreads: 0 }],
    ['threads between operators', 'inter_op_thread_count', '2', { interOpThreads: 2 }],
    ['parallel mode', 'execution_mode', '1', { executionMode: 'parallel' }],
    ['sequential mode', 'execution_mode', '0', { executionMode: 'sequential' }],
    ['no arena', 'enable_mem_arena', '0', { memoryArena: false }],
    ['an arena', 'enable_mem_arena', 'true', { memoryArena: true }],
    ['no pattern', 'enable_mem_pattern', 'false', { memoryPattern: false }],
    ['an arena, in capitals', 'enable_mem_arena', 'TRUE', { memoryArena: true }],
    ['no pattern, which is off', 'enable_mem_pattern', 'Off', { memoryPattern: false }],
    ['as many threads as ONNX Runtime takes', 'intra_op_thread_count', '-1', { intraOpThreads: 0 }],
  ])('%s from the parameters of the ONNX backend', (_, key, value, session) => {
    const text = `parameters { key: "${key}" value: { string_value: "${value}" } }`
    expect(configOf(text).session).toEqual({ ...DEFAULT_SESSION, ...session })
    expect(warningsOf(text)).toEqual([])
  })

  test.each([
    [-1, 'basic'],
    [0, 'all'],
    [1, 'extended'],
    [2, 'disabled'],
    [7, 'all'],
  ])('level %i of graph optimisation', (level, graphOptimization) => {
    const text = `optimization { graph : { level : ${level} }}`
    expect(configOf(text).session).toEqual({ ...DEFAULT_SESSION, graphOptimization })
  })
})
