import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { pathProblems, reloadProblems, ruleProblems } from '../../../src/cli/check-records.ts'
import { repositoryParsers } from '../../../src/config/parsers.ts'
import { formatProblem } from '../../../src/config/problems.ts'
import type { CatalogModel } from '../../../src/control/planning/catalog-version.ts'
import { recordRules } from '../../../src/control/planning/record-rules.ts'
import type { Manifest } from '../../../src/shared/manifest.ts'
import { NO_RECORDS, type RecordPolicies } from '../../../src/shared/record-policy.ts'
import { loadedConfig } from '../../helpers/config.ts'
import { epochPlan, plannedVersion } from '../../helpers/epoch-plans.ts'
import { makeTempDir } from '../../helpers/temp-dir.ts'

const feature = { name: 'age', type: 'number', tensor: 'x', column: 0 } as const
const features = ['age', 'income'].map((name, column) => ({
  ...{ ...feature, name, column, optional: false, missing: Number.NaN },
}))
const manifest: Manifest = { digest: '', features, task: 'other' }
const FLIGHTS = plannedVersion({ model: 'flights', version: 1, manifest })
const PLAN = epochPlan(1, [FLIGHTS])

const faultsOf = (policies: RecordPolicies) => {
  const { endpoints, versions } = PLAN
  return recordRules(policies, { endpoints, versions, previous: [], served: [], away: [] }).faults
}

const load = (text: string, repository = '/models') =>
  loadedConfig(`model_repository: ${repository}\nrecords:\n${text}`)

test('ruleProblems() finds the line of a rule that fits nothing, for all or for one', () => {
  const { config, locate } = load(`  redact:
    features: {age: mask, email: drop}
  endpoints:
    flights:
      redact: {features: {name: drop}}
      features: [age, gone]
`)
  const faults = faultsOf(config.records.policies)
  expect(ruleProblems(locate, faults, []).map(formatProblem)).toEqual([
    "sluice.yaml:4:27  records.redact.features.email: records: redaction of features fits nothing: no endpoint has 'email'",
    expect.stringContaining('sluice.yaml:4:16  records.redact.features.age: '),
    expect.stringContaining('sluice.yaml:7:27  records.endpoints.flights.redact.features.name: '),
    expect.stringContaining('sluice.yaml:8:7  records.endpoints.flights.features: '),
  ])
})

test('ruleProblems() finds a rule for all that misfits in an endpoint without its own section', () => {
  const { config, locate } = load('  redact: {features: {age: mask}}\n')
  const faults = faultsOf(config.records.policies)
  expect(ruleProblems(locate, faults, []).map(({ path }) => path)).toEqual([
    'records.redact.features.age',
  ])
})

test('ruleProblems() knows which endpoint was meant', () => {
  const { config, locate } = load('  endpoints: {flight: {enabled: false}}\n')
  const faults = faultsOf(config.records.policies)
  expect(ruleProblems(locate, faults, ['flights']).map(formatProblem)).toEqual([
    "sluice.yaml:3:15  records.endpoints.flight: records: 'flight' is no endpoint  (did you mean 'flights'?)",
  ])
})

/** Of a folder of files that is named so. */
const pathFaults = (path: string, more = '') => {
  const { config, locate } = load(`  path: ${path}\n${more}`)
  const { problems, warnings } = pathProblems(locate, config.records)
  return { problems: problems.map(formatProblem), warnings: warnings.map(formatProblem) }
}

test('pathProblems() says where no folder of files can be made', () => {
  const folder = makeTempDir()
  const file = join(folder, 'file')
  writeFileSync(file, '')
  const none = { problems: [], warnings: [] }
  expect(pathFaults(folder)).toEqual(none)
  expect(pathFaults(join(folder, 'a', 'b'))).toEqual(none)
  for (const path of [file, join(file, 'a', 'b')]) {
    expect(pathFaults(path)).toEqual({
      problems: [
        `sluice.yaml:3:3  records.path: no file can be made there: ${file} is not a folder  (name a folder that the user of the gateway can write, or make it one)`,
      ],
      warnings: [],
    })
    expect(pathFaults(path, '  enabled: false\n')).toEqual(none)
  }
})

// Skipped: root may write everything
test.skipIf(process.getuid?.() === 0)('pathProblems() warns where this user may not', () => {
  const folder = makeTempDir()
  chmodSync(folder, 0o500)
  expect(pathFaults(join(folder, 'a'))).toMatchObject({
    ...{ problems: [], warnings: [expect.stringContaining('cannot be written by this user')] },
  })
})

const MODEL = {
  scanned: {
    ...{ name: 'flights', faults: [], aliases: {}, isBroken: false },
    versions: [{ version: 1, fault: null }],
    config: repositoryParsers.defaultConfig,
  },
  ...{ isWanted: true, versions: new Map([[1, { sound: FLIGHTS, isProving: false }]]) },
} as unknown as CatalogModel
const publisher = { plan: PLAN, endpoints: PLAN.endpoints }
const SERVED = { catalog: { models: new Map([['flights', MODEL]]) }, publisher }

test('reloadProblems() keeps a config out whose rules fit nothing of what is there', () => {
  const repository = makeTempDir()
  mkdirSync(join(repository, 'flights'))
  const problems = (text: string, inForce = NO_RECORDS) =>
    reloadProblems(load(text, repository), inForce, SERVED).map(({ path }) => path)
  const bad = '  redact: {features: {email: drop}}\n'
  expect(problems(bad)).toEqual(['records.redact.features.email'])
  expect(problems('  redact: {features: {age: drop}}\n')).toEqual([])
  expect(problems('  endpoints: {flight: {}}\n')).toEqual(['records.endpoints.flight'])
  // What is in force has the same fault: nothing gets worse.
  expect(problems(bad, load(bad).config.records.policies)).toEqual([])
  // Nobody has looked at this model yet.
  mkdirSync(join(repository, 'flight'))
  expect(problems(`${bad}  endpoints: {flight: {}, other: {}}\n`)).toEqual([
    'records.endpoints.other',
  ])
})

test('reloadProblems() finds nothing before anything is served', () => {
  const none = { ...SERVED, publisher: { plan: null, endpoints: [] } }
  expect(reloadProblems(load('  endpoints: {x: {}}\n'), NO_RECORDS, none)).toEqual([])
})
