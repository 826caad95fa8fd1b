/** What control answers to what replicas ask on behalf of clients: one line a kind of call. */

import { refuse } from '../shared/errors.ts'
import type { CallAnswers } from './forwarded-calls.ts'
import type { Gateway } from './gateway.ts'
import { type ModelFacts, modelFacts, modelsOf } from './gateway-status.ts'
import { repositoryIndex } from './repository-states.ts'

const isSame = (some: ModelFacts, others: ModelFacts): boolean =>
  some.models === others.models &&
  some.unbound === others.unbound &&
  some.plan === others.plan &&
  some.served.length === others.served.length &&
  some.served.every((plan, i) => plan === others.served[i])

/**
 * The index as text, made again only when what it says may have changed: clients that ask without
 * end must not take the time that control needs for its replicas.
 */
export const keepIndex = (): ((facts: ModelFacts, isReadyOnly: boolean) => string) => {
  let known: ModelFacts | null = null
  let texts = new Map<boolean, string>()
  return (facts, isReadyOnly) => {
    if (known === null || !isSame(facts, known)) {
      known = facts
      texts = new Map()
    }
    const text = texts.get(isReadyOnly)
    if (text !== undefined) return text
    const made = JSON.stringify(repositoryIndex(modelsOf(facts), isReadyOnly))
    texts.set(isReadyOnly, made)
    return made
  }
}

export const callAnswers = (gateway: Gateway): CallAnswers => {
  const index = keepIndex()
  return {
    repository_index: ({ ready }) =>
      gateway.catalog.hasScan
        ? index(modelFacts(gateway), ready)
        : refuse('CONTROL_UNREACHABLE', 'Control has not read the model repository yet'),
  }
}
