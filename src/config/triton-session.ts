/** Session settings of a config.pbtxt: optimization, and parameters of Triton's ONNX backend. */

import { nearest } from '../shared/nearest.ts'
import { DEFAULT_SESSION, type SessionSettings } from '../shared/session-settings.ts'
import { didYouMean } from './problems.ts'
import { SESSION_THREADS_MAX } from './schemas/model.ts'
import { PARAMETER_BOOLEANS, PARAMETERS, type Parameter } from './schemas/triton.ts'
import type { PbField } from './text-format.ts'
import type { ReadMessage, ReadValue, Remarks } from './triton-tree.ts'

const LEVELS: Readonly<Record<number, SessionSettings['graphOptimization']>> = {
  [-1]: 'basic',
  1: 'extended',
  2: 'disabled',
}

const MODES: Readonly<Record<string, SessionSettings['executionMode']>> = {
  0: 'sequential',
  1: 'parallel',
}

type Parameters = ReadonlyMap<keyof typeof PARAMETERS, ReadValue>

const isKnown = (name: string): name is keyof typeof PARAMETERS => Object.hasOwn(PARAMETERS, name)

/** What is said of a parameter that is not obeyed. */
const remarkOn = (name: string, { offset, value }: ReadValue, remarks: Remarks): void => {
  const path = `parameters.${name}`
  if (!isKnown(name)) {
    const near = nearest(name, Object.keys(PARAMETERS))
    const says = `Unknown parameter '${name}': it does nothing`
    remarks.warning(offset, path, says, near === null ? null : didYouMean(near))
    return
  }
  const { verdict, says, harmless = [] }: Parameter = PARAMETERS[name]
  if (verdict === 'obeyed' || harmless.includes(String(value))) return
  remarks.warning(offset, path, `is not obeyed: ${says}`)
}

const readParameters = (root: ReadMessage, remarks: Remarks): Parameters => {
  const found = new Map<keyof typeof PARAMETERS, ReadValue>()
  const names = new Set<string>()
  for (const entry of root.messages('parameters')) {
    const key = entry.values('key')[0]
    const name = String(key?.value ?? '')
    const offset = key?.offset ?? entry.offset
    const message = entry.messages('value')[0]
    const value = message?.values('string_value')[0] ?? { offset, value: '' }
    if (names.has(name)) remarks.problem(offset, `parameters.${name}`, 'stands twice')
    names.add(name)
    remarkOn(name, { offset, value: value.value }, remarks)
    // What is there, but no text, is a problem of its own.
    const isOther =
      message?.has('string_value') === true && message.values('string_value').length === 0
    if (isKnown(name) && !isOther) found.set(name, value)
  }
  return found
}

/** The value of a parameter, by how it reads; `instead` where it is absent or cannot be read. */
const parameter = <T>(
  { values, remarks }: { readonly values: Parameters; readonly remarks: Remarks },
  name: keyof typeof PARAMETERS,
  read: { readonly wanted: string; value(text: string): T | undefined },
  instead: T,
): T => {
  const found = values.get(name)
  if (found === undefined) return instead
  const value = read.value(String(found.value))
  if (value !== undefined) return value
  const message = `got ${JSON.stringify(String(found.value).slice(0, 60))}; wanted ${read.wanted}`
  remarks.problem(found.offset, `parameters.${name}`, message)
  return instead
}

const THREADS = {
  wanted: `"0" to "${SESSION_THREADS_MAX}"`,
  value: (text: string): number | undefined =>
    /^\d{1,4}$/.test(text) && Number(text) <= SESSION_THREADS_MAX ? Number(text) : undefined,
}

const MODE = {
  wanted: '"0", sequential, or "1", parallel',
  value: (text: string) => (Object.hasOwn(MODES, text) ? MODES[text] : undefined),
}

const BOOLEAN = {
  wanted: '"0" or "1"',
  value: (text: string) =>
    Object.hasOwn(PARAMETER_BOOLEANS, text) ? PARAMETER_BOOLEANS[text] : undefined,
}

/** Whether every instance is to be on the CPU, so that Triton leaves accelerators of GPUs alone. */
const isOnCpuOnly = (fields: readonly PbField[]): boolean => {
  const groups = fields.filter(({ name }) => name === 'instance_group')
  const kinds = groups.flatMap(({ values }) =>
    values.map((group) => {
      const kind =
        group.kind === 'message' ? group.fields.find(({ name }) => name === 'kind') : null
      const word = kind?.values[0]
      return word?.kind === 'word' ? word.word : ''
    }),
  )
  return kinds.length > 0 && kinds.every((kind) => kind === 'KIND_CPU')
}

const readProviders = (
  accelerators: ReadMessage | undefined,
  isCpuOnly: boolean,
  remarks: Remarks,
): SessionSettings['providers'] => {
  const key = 'gpu_execution_accelerator'
  const path = `optimization.execution_accelerators.${key}`
  let hasCuda = false
  for (const message of accelerators?.messages(key) ?? []) {
    const isCuda = message.values('name')[0]?.value === 'cuda'
    const why = isCuda ? 'every instance_group is KIND_CPU' : 'of GPUs only `cuda` is used'
    if (isCuda && !isCpuOnly) hasCuda = true
    else remarks.warning(message.offset, path, `is not obeyed: ${why}`)
  }
  return hasCuda ? ['cuda', 'cpu'] : DEFAULT_SESSION.providers
}

/** `fields`: all of the file, for what Triton's meaning of a setting depends on. */
export const readSession = (
  root: ReadMessage,
  fields: readonly PbField[],
  remarks: Remarks,
): SessionSettings => {
  const optimization = root.messages('optimization')[0]
  const level = optimization?.messages('graph')[0]?.values('level')[0]
  const from = { values: readParameters(root, remarks), remarks }
  const instead = DEFAULT_SESSION
  const accelerators = optimization?.messages('execution_accelerators')[0]
  return {
    intraOpThreads: parameter(from, 'intra_op_thread_count', THREADS, instead.intraOpThreads),
    interOpThreads: parameter(from, 'inter_op_thread_count', THREADS, instead.interOpThreads),
    executionMode: parameter(from, 'execution_mode', MODE, instead.executionMode),
    graphOptimization: LEVELS[Number(level?.value ?? 0)] ?? 'all',
    memoryArena: parameter(from, 'enable_mem_arena', BOOLEAN, instead.memoryArena),
    memoryPattern: parameter(from, 'enable_mem_pattern', BOOLEAN, instead.memoryPattern),
    providers: readProviders(accelerators, isOnCpuOnly(fields), remarks),
  }
}
