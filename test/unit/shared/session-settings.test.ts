import { expect, test } from 'vitest'
import {
  completeSession,
  DEFAULT_CUDA,
  DEFAULT_SESSION,
  gpusOf,
  onCpu,
  type SessionSettings,
  sessionAt,
  usesGpu,
} from '../../../src/shared/session-settings.ts'

const onGpus = (...deviceIds: number[]): SessionSettings => ({
  ...DEFAULT_SESSION,
  providers: ['cuda', 'cpu'],
  cuda: { deviceIds, isRequired: true, memoryBytesMax: 7 },
})

test('completeSession() puts in what is not said', () => {
  expect(completeSession()).toEqual(DEFAULT_SESSION)
  expect(completeSession({ memoryArena: false })).toEqual({
    ...DEFAULT_SESSION,
    memoryArena: false,
  })
})

test('completeSession() writes the same settings alike, in whatever order they come', () => {
  const turned = Object.fromEntries(Object.entries(DEFAULT_SESSION).toReversed())
  expect(JSON.stringify(completeSession(turned))).toBe(JSON.stringify(DEFAULT_SESSION))
})

test('sessions have the GPUs in turn', () => {
  const settings = onGpus(2, 0)
  expect([0, 1, 2, 3].map((index) => gpusOf(sessionAt(settings, index)))).toEqual([
    ...[[2], [0], [2], [0]],
  ])
  expect(sessionAt(settings, 1)).toEqual({
    ...settings,
    cuda: { ...settings.cuda, deviceIds: [0] },
  })
})

test('sessions of the CPU are all the same', () => {
  expect(sessionAt(DEFAULT_SESSION, 3)).toBe(DEFAULT_SESSION)
  expect(gpusOf({ ...onGpus(1), providers: ['cpu'] })).toEqual([])
  expect(usesGpu(DEFAULT_SESSION)).toBe(false)
})

test('a plan of an earlier release, which says no more than `cuda`, has GPU 0', () => {
  const settings = completeSession({ providers: ['cuda', 'cpu'] })
  expect(gpusOf(settings)).toEqual([0])
  expect(sessionAt(settings, 1).cuda).toEqual(DEFAULT_CUDA)
})

test('onCpu() keeps all but the GPU', () => {
  const settings: SessionSettings = { ...onGpus(1), intraOpThreads: 3 }
  expect(onCpu(settings)).toEqual({ ...DEFAULT_SESSION, intraOpThreads: 3 })
})
