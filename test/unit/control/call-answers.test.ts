import { expect, test } from 'vitest'
import { repositoryParsers } from '../../../src/config/parsers.ts'
import { keepIndex } from '../../../src/control/call-answers.ts'
import type { CatalogModel } from '../../../src/control/catalog.ts'
import type { ModelFacts } from '../../../src/control/gateway-status.ts'
import { epochPlan, plannedVersion } from '../../helpers/epoch-plans.ts'

const PLANNED = plannedVersion({ model: 'm', version: 1 })
const OTHER = plannedVersion({ model: 'm', version: 1, provenSha256: 'another' })
const [PLAN, SAME, OLD] = [PLANNED, PLANNED, OTHER].map((version) => epochPlan(1, [version]))

const scanned = {
  ...{ version: 1, folder: '', modelFile: '', manifest: null, exampleRow: null },
  ...{ bounds: [], fault: null },
}

const modelsOf = (name: string): ReadonlyMap<string, CatalogModel> => {
  const model = {
    ...{ name, config: repositoryParsers.defaultConfig, faults: [], isBroken: false },
    ...{ aliases: {}, versions: [scanned] },
  }
  const entry = { scanned, report: null, sound: PLANNED, failure: null, isProving: false }
  const versions = new Map([[1, { ...entry, warnings: [] }]])
  return new Map([[name, { scanned: model, broken: null, versions }]])
}

const FACTS: ModelFacts = {
  ...{ models: modelsOf('m'), unbound: [], plan: PLAN!, served: [PLAN!] },
  ...{ held: new Set(), unloads: new Map() },
}

const stateIn = (text: string) => (JSON.parse(text) as { state: string }[])[0]?.state ?? ''

test.each([
  ['all replicas that answer have it', [PLAN!, SAME!], 'READY'],
  ['one still has what was there before', [PLAN!, OLD!], 'LOADING'],
  ['no replica answers', [], 'LOADING'],
])('keepIndex() says of a version where %s: %s', (_, served, state) => {
  const index = keepIndex()
  expect(stateIn(index({ ...FACTS, served }, false))).toBe(state)
  expect(stateIn(index({ ...FACTS, served }, true))).toBe(state === 'READY' ? state : '')
})

test('keepIndex() makes the text again when something has changed, and only then', () => {
  const index = keepIndex()
  let made = 0
  const models = new Map(FACTS.models)
  const values = () => {
    made++
    return FACTS.models.values()
  }
  const facts = { ...FACTS, models: Object.assign(models, { values }) }
  for (let i = 0; i < 100; i++) index({ ...facts, served: [...facts.served] }, i % 2 === 0)
  expect(made).toBe(2)
  const failure = { code: 'BINDING_FAILED', detail: 'bad', model: 'm', version: 1 } as const
  const changes: [Partial<ModelFacts>, string][] = [
    [{ served: [] }, 'LOADING'],
    [{ served: [OLD!] }, 'LOADING'],
    [{ served: [PLAN!, OLD!] }, 'LOADING'],
    [{ plan: null }, 'LOADING'],
    [{ plan: null, unbound: [failure] }, 'UNAVAILABLE'],
    [{ models: new Map() }, ''],
  ]
  for (const [change, state] of changes) {
    expect(stateIn(index(facts, false))).toBe('READY')
    expect(stateIn(index({ ...facts, ...change }, false))).toBe(state)
  }
})
