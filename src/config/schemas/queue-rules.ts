/** Priority levels that contradict each other, by the rules of Triton's ValidateModelConfig. */

/** As they are written; 0: not at all. */
export interface PriorityLevels {
  readonly levels: number
  readonly defaultLevel: number
  /** Levels with a policy of their own. */
  readonly policyLevels: readonly number[]
}

export interface QueueFault {
  readonly key: 'default_priority_level' | 'priority_queue_policy'
  /** The one of `policyLevels` that is at fault. */
  readonly level?: number
  readonly message: string
}

const isWithin = (level: number, levels: number): boolean => level >= 1 && level <= levels

/** What is wrong with levels that there are. */
export const queueFaults = ({ levels, defaultLevel, policyLevels }: PriorityLevels) => {
  const faults: QueueFault[] = []
  if (levels === 0) return faults
  const wanted = `wanted a level 1 to ${levels}, the number of priority_levels`
  if (!isWithin(defaultLevel, levels)) {
    const got = defaultLevel === 0 ? 'is missing' : `got ${defaultLevel}`
    faults.push({ key: 'default_priority_level', message: `${got}; ${wanted}` })
  }
  for (const level of policyLevels) {
    if (isWithin(level, levels)) continue
    faults.push({ key: 'priority_queue_policy', level, message: `got ${level}; ${wanted}` })
  }
  return faults
}

/** What is written for levels that there are not. */
export const idleLevels = ({
  levels,
  defaultLevel,
  policyLevels,
}: PriorityLevels): QueueFault['key'][] => {
  if (levels > 0) return []
  return [
    ...(defaultLevel > 0 ? (['default_priority_level'] as const) : []),
    ...(policyLevels.length > 0 ? (['priority_queue_policy'] as const) : []),
  ]
}

export const IDLE_LEVELS = 'there are no priority_levels'
