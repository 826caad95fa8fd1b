/** Of a config.pbtxt: on which GPUs a model runs, how often, and what is asked of them. */

import type { CudaSettings } from '../shared/session-settings.ts'
import { shortened, shownValue } from './schema-text.ts'
import { INSTANCES_MAX } from './schemas/model.ts'
import { DEVICE_ONLY, GPU_MEM_LIMIT } from './schemas/triton-parameters.ts'
import {
  firstOf,
  numbersOf,
  type ReadMessage,
  type ReadValue,
  type Remarks,
} from './triton-tree.ts'

const GROUP = 'instance_group'
const ACCELERATOR = 'gpu_execution_accelerator'

/** Where a GPU is asked for that there must be. */
export const gpuValue = (root: ReadMessage): ReadValue | undefined =>
  root
    .messages(GROUP)
    .flatMap((group) => group.values('kind'))
    .find(({ value }) => value === 'KIND_GPU')

/** What is not written is KIND_AUTO to Triton; here it asks for no GPU by itself. */
const isOfGpu = (group: ReadMessage): boolean => {
  const kind = firstOf(group, 'kind')?.value
  if (kind === undefined) return group.values('gpus').length > 0
  return kind === 'KIND_GPU' || kind === 'KIND_AUTO'
}

const countOf = (group: ReadMessage): number =>
  Math.max(1, Number(firstOf(group, 'count')?.value ?? 1))

const gpusNamed = (group: ReadMessage): number[] => {
  const said = numbersOf(group.values('gpus'))
  return said.length === 0 ? [0] : said
}

/** A GPU for each session: in turn, so that fewer sessions are still spread over all of them. */
const sessionsOf = (group: ReadMessage): number[] => {
  const gpus = gpusNamed(group)
  return Array.from({ length: countOf(group) }, () => gpus).flat()
}

/** GPU of each session of a replica; none: the CPU runs it. */
export const readGpus = (
  root: ReadMessage,
  remarks: Remarks,
): Pick<CudaSettings, 'deviceIds' | 'isRequired'> => {
  const groups = root.messages(GROUP)
  const sessions = readInstances(root) ?? 0
  if (sessions > INSTANCES_MAX) {
    const says = `asks for ${sessions} sessions in each replica; wanted ${INSTANCES_MAX} at most`
    remarks.problem(groups[0]!.offset, GROUP, says)
    return { deviceIds: [], isRequired: false }
  }
  for (const group of groups) {
    const [gpu] = group.values('gpus')
    if (gpu === undefined || firstOf(group, 'kind')?.value !== 'KIND_CPU') continue
    remarks.problem(gpu.offset, `${GROUP}.gpus`, 'are named, and the kind is KIND_CPU')
  }
  const onGpu = groups.filter(isOfGpu)
  if (onGpu.length === 0) return { deviceIds: [], isRequired: false }
  for (const { offset } of groups.filter((group) => !isOfGpu(group))) {
    remarks.warning(offset, GROUP, 'is not obeyed: all sessions run on the GPUs of the others')
  }
  return { deviceIds: onGpu.flatMap(sessionsOf), isRequired: gpuValue(root) !== undefined }
}

/** Sessions of a replica, of all groups together; null where none says how many it has. */
export const readInstances = (root: ReadMessage): number | null => {
  const groups = root.messages(GROUP)
  const onGpu = groups.filter(isOfGpu)
  const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0)
  if (onGpu.length > 0) return sum(onGpu.map((each) => countOf(each) * gpusNamed(each).length))
  return groups.some((group) => group.has('count')) ? sum(groups.map(countOf)) : null
}

/** The limit of memory that parameters of `cuda` ask for; the last word counts. */
const readParameters = (accelerator: ReadMessage, remarks: Remarks): number | null => {
  let memoryBytesMax: number | null = null
  for (const entry of accelerator.messages('parameters')) {
    const name = String(firstOf(entry, 'key')?.value ?? '')
    const value = String(firstOf(entry, 'value')?.value ?? '')
    const path = `${ACCELERATOR}.parameters.${shortened(name)}`
    if (name !== 'gpu_mem_limit') {
      remarks.warning(entry.offset, path, `is not obeyed: ${DEVICE_ONLY}`)
      continue
    }
    const read = GPU_MEM_LIMIT.read(value)?.cuda?.memoryBytesMax ?? null
    if (read === null) {
      const says = `got ${shownValue(value)}; wanted ${GPU_MEM_LIMIT.wanted}`
      remarks.problem(entry.offset, path, says)
    }
    memoryBytesMax = read
  }
  return memoryBytesMax
}

/**
 * An accelerator says what is done with a GPU, the kind of instances whether there is one. Gives
 * the limit of its memory.
 */
export const readAccelerators = (
  optimization: ReadMessage | undefined,
  isOnGpu: boolean,
  remarks: Remarks,
): number | null => {
  const [accelerators] = optimization?.messages('execution_accelerators') ?? []
  let memoryBytesMax: number | null = null
  for (const message of accelerators?.messages(ACCELERATOR) ?? []) {
    const isCuda = firstOf(message, 'name')?.value === 'cuda'
    if (isCuda && isOnGpu) {
      memoryBytesMax = readParameters(message, remarks) ?? memoryBytesMax
      continue
    }
    const why = isCuda
      ? 'the model runs on the CPU, unless an instance_group is of KIND_GPU'
      : 'of GPUs only `cuda` is used'
    const path = `optimization.execution_accelerators.${ACCELERATOR}`
    remarks.warning(message.offset, path, `is not obeyed: ${why}`)
  }
  return memoryBytesMax
}
