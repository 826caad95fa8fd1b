/** Of a config.pbtxt: which versions are loaded, and how requests wait for them. */

import { DEFAULT_QUEUE, type QueuePolicies, type QueuePolicy } from '../shared/queue-policy.ts'
import type { VersionPolicy } from './config.ts'
import { IDLE_LEVELS, idleLevels, queueFaults } from './schemas/queue-rules.ts'
import { firstOf, numbersOf, type ReadMessage, type Remarks } from './triton-tree.ts'

const POLICIES = ['latest', 'all', 'specific'] as const

export const readVersionPolicy = (root: ReadMessage, remarks: Remarks): VersionPolicy => {
  const [policy] = root.messages('version_policy')
  const said = POLICIES.flatMap((name) => policy?.messages(name) ?? [])
  const [specific] = policy?.messages('specific') ?? []
  if (said.length > 1) {
    const { offset } = said[1]!
    remarks.problem(offset, 'version_policy', `wants one of ${POLICIES.join(', ')}`)
  }
  if (policy?.has('all')) return { kind: 'all' }
  if (specific === undefined) {
    const count = firstOf(policy?.messages('latest')[0], 'num_versions')
    return { kind: 'latest', count: Math.max(1, Number(count?.value ?? 1)) }
  }
  const versions = specific.values('versions')
  if (!specific.has('versions')) {
    remarks.problem(specific.offset, 'version_policy.specific.versions', 'is missing')
  }
  return { kind: 'specific', versions: numbersOf(versions) }
}

const policyOf = (message: ReadMessage | undefined): QueuePolicy => ({
  timeoutAction: firstOf(message, 'timeout_action')?.value === 'DELAY' ? 'delay' : 'reject',
  defaultTimeoutUs: Number(firstOf(message, 'default_timeout_microseconds')?.value ?? 0),
  allowTimeoutOverride: firstOf(message, 'allow_timeout_override')?.value === true,
  requestsMax: Number(firstOf(message, 'max_queue_size')?.value ?? 0),
})

const PATH = 'dynamic_batching'

export const readQueue = (batching: ReadMessage | undefined, remarks: Remarks): QueuePolicies => {
  if (batching === undefined) return DEFAULT_QUEUE
  const numberOf = (name: string) => Number(firstOf(batching, name)?.value ?? 0)
  const byLevel: Record<number, QueuePolicy> = {}
  const offsets = new Map<number, number>()
  for (const entry of batching.messages('priority_queue_policy')) {
    const key = firstOf(entry, 'key')
    const level = Number(key?.value ?? 0)
    const offset = key?.offset ?? entry.offset
    if (offsets.has(level)) {
      remarks.problem(offset, `${PATH}.priority_queue_policy.key`, `${level} stands twice`)
    }
    offsets.set(level, offset)
    byLevel[level] = policyOf(entry.messages('value')[0])
  }
  const written = {
    levels: numberOf('priority_levels'),
    defaultLevel: numberOf('default_priority_level'),
    policyLevels: [...offsets.keys()],
  }
  const placeOf = (key: string, level?: number) =>
    (level === undefined ? undefined : offsets.get(level)) ??
    firstOf(batching, key)?.offset ??
    batching.messages(key)[0]?.offset ??
    batching.offset
  for (const { key, level, message } of queueFaults(written)) {
    remarks.problem(placeOf(key, level), `${PATH}.${key}`, message)
  }
  const idle = idleLevels(written)
  // Triton takes them too, and does nothing with them.
  for (const key of idle) {
    remarks.warning(placeOf(key), `${PATH}.${key}`, `is not obeyed: ${IDLE_LEVELS}`)
  }
  const { levels, defaultLevel } = written
  const base = policyOf(batching.messages('default_queue_policy')[0])
  return levels === 0 ? { ...DEFAULT_QUEUE, base } : { levels, defaultLevel, base, byLevel }
}
