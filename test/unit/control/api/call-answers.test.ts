import { expect, test } from 'vitest'
import { repositoryParsers } from '../../../../src/config/parsers.ts'
import { callAnswers, keepIndex, keepStatistics } from '../../../../src/control/api/call-answers.ts'
import type { ModelFacts } from '../../../../src/control/api/gateway-status.ts'
import type { Snapshot } from '../../../../src/control/figures/statistics.ts'
import type { Gateway } from '../../../../src/control/gateway.ts'
import type { CatalogModel } from '../../../../src/control/planning/catalog-version.ts'
import { NO_ATTEMPT } from '../../../../src/control/planning/load-retries.ts'
import { epochPlan, plannedVersion } from '../../../helpers/epoch-plans.ts'
import { FakeClock } from '../../../helpers/fake-clock.ts'

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
  const versions = new Map([[1, { ...entry, warnings: [], attempt: NO_ATTEMPT }]])
  return new Map([[name, { scanned: model, broken: null, isWanted: true, versions }]])
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

test('keepIndex() says that a version is unloaded once nobody holds it any more', () => {
  const index = keepIndex()
  const [[name, model]] = [...FACTS.models] as [[string, CatalogModel]]
  const unwanted = { ...model, isWanted: false, versions: new Map() }
  const facts = { ...FACTS, plan: null, served: [], models: new Map([[name, unwanted]]) }
  expect(stateIn(index({ ...facts, held: new Set(['m v1']) }, false))).toBe('UNLOADING')
  expect(stateIn(index(facts, false))).toBe('UNAVAILABLE')
})

const SNAPSHOT: Snapshot = {
  ...{ isWhole: true, slots: new Map(), retired: new Map(), replicas: [] },
  deadCpuSeconds: 0,
}

const POOLED = { kind: 'pooled', instances: 3, reason: '' } as const
const VERSIONS = [
  plannedVersion({ model: 'm', version: 10, placement: POOLED }),
  plannedVersion({ model: 'm', version: 2 }),
  plannedVersion({ model: 'a', version: 1 }),
]

/** Answers of a gateway of 2 replicas with 4 data threads each, and how often it was asked. */
const answersOf = (
  given: { snapshot?: Snapshot | null; models?: ReadonlyMap<string, CatalogModel> } = {},
) => {
  const { snapshot = SNAPSHOT, models = modelsOf('m') } = given
  const clock = new FakeClock()
  const asked = { count: 0 }
  const refresh = async () => {
    asked.count++
    return snapshot
  }
  const gateway = {
    figures: { refresh },
    publisher: { plan: epochPlan(1, VERSIONS) },
    catalog: { models },
    host: { replicas: 2, dataThreads: 4 },
  } as unknown as Gateway
  return { answers: callAnswers(gateway, clock), asked, clock }
}

const versionsIn = (answer: unknown) =>
  (JSON.parse(answer as string) as { model_stats: { name: string; version: string }[] }).model_stats
    .map(({ name, version }) => `${name} ${version}`)
    .join()

test.each([
  [null, null, 'a 1,m 2,m 10'],
  ['m', null, 'm 2,m 10'],
  ['m', 10, 'm 10'],
])('callAnswers() gives statistics of model %s, version %s: %s', async (model, version, wanted) => {
  const { answers } = answersOf()
  expect(versionsIn(await answers.model_statistics({ model, version }))).toBe(wanted)
})

test('callAnswers() finds what has gone since the path was found in the words of Triton', async () => {
  const { answers } = answersOf()
  const gone = { code: 'MODEL_NOT_FOUND', detail: "requested model 'x' is not available" }
  const old = {
    code: 'VERSION_NOT_FOUND',
    detail: "requested model version is not available for model 'm'",
  }
  expect(await answers.model_statistics({ model: 'x', version: null })).toMatchObject(gone)
  expect(answers.model_config({ model: 'x', version: 1 })).toMatchObject(gone)
  expect(answers.model_config({ model: 'm', version: 3 })).toMatchObject(old)
})

test.each([
  ['nobody was asked yet', null],
  ['a replica of an earlier control has not answered', { ...SNAPSHOT, isWhole: false }],
])('callAnswers() has no statistics while %s', async (_, snapshot) => {
  const { answers } = answersOf({ snapshot })
  const answer = await answers.model_statistics({ model: null, version: null })
  expect(answer).toMatchObject({ code: 'CONTROL_UNREACHABLE' })
})

test('callAnswers() asks the replicas once for all who come before, and pauses', async () => {
  const { answers, asked, clock } = answersOf()
  const ask = () => answers.model_statistics({ model: null, version: null })
  const some = await Promise.all([ask(), ask(), ask()])
  expect([asked.count, new Set(some).size]).toEqual([1, 1])
  const others = [ask(), ask()]
  await clock.advance(19)
  expect(asked.count).toBe(1)
  await clock.advance(1)
  await Promise.all(others)
  expect(asked.count).toBe(2)
})

test.each([
  ['inline', 2, 8],
  ['pooled', 10, 6],
])('callAnswers() counts all sessions of a version that is %s', (_, version, count) => {
  const config = answersOf().answers.model_config({ model: 'm', version })
  expect(JSON.parse(config as string)).toMatchObject({ instance_group: [{ count }] })
})

test('callAnswers() has no config before the repository was read', () => {
  const { answers } = answersOf({ models: new Map() })
  expect(answers.model_config({ model: 'm', version: 2 })).toMatchObject({
    code: 'CONTROL_UNREACHABLE',
  })
})

test('keepStatistics() makes a text once for each snapshot and question', () => {
  const textOf = keepStatistics()
  let read = 0
  const slots = () => {
    read++
    return new Map<string, Float64Array>()
  }
  const counted = (): Snapshot => Object.defineProperty({ ...SNAPSHOT }, 'slots', { get: slots })
  const [one, two] = [counted(), counted()]
  for (let i = 0; i < 5; i++) {
    expect(textOf(one, VERSIONS, 'all')).toContain('"m"')
    expect(textOf(one, [VERSIONS[2]!], 'a')).not.toContain('"m"')
  }
  expect(read).toBe(2)
  expect(textOf(two, VERSIONS, 'all')).toContain('"m"')
  expect(textOf(one, VERSIONS, 'all')).toContain('"m"')
  expect(read).toBe(4)
})
