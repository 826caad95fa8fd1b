/** Session settings of a config.pbtxt: optimization, and parameters of Triton's ONNX backend. */

import { nearest } from '../shared/nearest.ts'
import {
  type CudaSettings,
  DEFAULT_SESSION,
  type SessionSettings,
} from '../shared/session-settings.ts'
import { didYouMean } from './problems.ts'
import { shortened, shownValue } from './schema-text.ts'
import { PARAMETERS } from './schemas/triton-parameters.ts'
import { readAccelerators, readGpus } from './triton-gpus.ts'
import type { ReadMessage, ReadValue, Remarks } from './triton-tree.ts'

const LEVELS: Readonly<Record<number, SessionSettings['graphOptimization']>> = {
  [-1]: 'basic',
  1: 'extended',
  2: 'disabled',
}

/** The setting that a parameter asks for, and what is to be said of it. */
const readParameter = (
  name: string,
  { offset, value }: ReadValue,
  remarks: Remarks,
): Partial<SessionSettings> => {
  const path = `parameters.${shortened(name)}`
  const known = Object.hasOwn(PARAMETERS, name) ? PARAMETERS[name] : undefined
  if (known === undefined) {
    const near = remarks.hasAllWarnings ? null : nearest(name, Object.keys(PARAMETERS))
    const says = `Unknown parameter '${shortened(name)}': it does nothing`
    remarks.warning(offset, path, says, near === null ? null : didYouMean(near))
    return {}
  }
  const text = String(value)
  if (known.verdict === 'obeyed') {
    const setting = known.read(text)
    if (setting !== null) return setting
    remarks.problem(offset, path, `got ${shownValue(text)}; wanted ${known.wanted}`)
  } else if (!known.harmless.includes(text)) {
    remarks.warning(offset, path, `is not obeyed: ${known.says}`)
  }
  return {}
}

const readParameters = (root: ReadMessage, remarks: Remarks): Partial<SessionSettings> => {
  const names = new Set<string>()
  const settings: Partial<SessionSettings>[] = []
  for (const entry of root.messages('parameters')) {
    const key = entry.values('key')[0]
    const name = String(key?.value ?? '')
    const offset = key?.offset ?? entry.offset
    const message = entry.messages('value')[0]
    if (names.has(name)) remarks.problem(offset, `parameters.${shortened(name)}`, 'stands twice')
    names.add(name)
    const [text] = message?.values('string_value') ?? []
    // What is there, but no text, is a problem of its own.
    if (text === undefined && message?.has('string_value')) continue
    settings.push(readParameter(name, text ?? { offset, value: '' }, remarks))
  }
  return Object.assign({}, ...settings)
}

export const readSession = (root: ReadMessage, remarks: Remarks): SessionSettings => {
  const [optimization] = root.messages('optimization')
  const level = optimization?.messages('graph')[0]?.values('level')[0]
  const parameters = readParameters(root, remarks)
  const gpus = readGpus(root, remarks)
  const isOnGpu = gpus.deviceIds.length > 0
  const accelerated = readAccelerators(optimization, isOnGpu, remarks)
  const memoryBytesMax = accelerated ?? parameters.cuda?.memoryBytesMax ?? null
  const cuda: CudaSettings | null = isOnGpu ? { ...gpus, memoryBytesMax } : null
  return {
    ...DEFAULT_SESSION,
    ...parameters,
    graphOptimization: LEVELS[Number(level?.value ?? 0)] ?? 'all',
    providers: isOnGpu ? ['cuda', 'cpu'] : DEFAULT_SESSION.providers,
    cuda,
  }
}
