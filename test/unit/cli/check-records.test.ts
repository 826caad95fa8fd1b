import { expect, test } from 'vitest'
import { reloadProblems, ruleProblems, unknownEndpoints } from '../../../src/cli/check-records.ts'
import { formatProblem } from '../../../src/config/problems.ts'
import { recordRules } from '../../../src/control/planning/record-rules.ts'
import type { Manifest } from '../../../src/shared/manifest.ts'
import { loadedConfig, REPOSITORY } from '../../helpers/config.ts'
import { epochPlan, plannedVersion } from '../../helpers/epoch-plans.ts'

const feature = { name: 'age', type: 'number', tensor: 'x', column: 0 } as const
const features = [{ ...feature, optional: false, missing: Number.NaN }]
const manifest: Manifest = { digest: '', features, task: 'other' }
const PLAN = epochPlan(1, [plannedVersion({ model: 'flights', version: 1, manifest })])

const load = (text: string) => loadedConfig(`${REPOSITORY}records:\n${text}`)

test('ruleProblems() finds the line of a rule that fits nothing, for all or for one', () => {
  const { config, locate } = load(`  redact:
    features: {age: mask, email: drop}
  endpoints:
    flights:
      redact: {features: {name: drop}}
      features: [age, gone]
`)
  const { faults } = recordRules(config.records.policies, PLAN.endpoints, PLAN.versions)
  expect(ruleProblems(locate, faults).map(formatProblem)).toEqual([
    "sluice.yaml:4:27  records.redact.features.email: records: redaction of features fits nothing: no endpoint has 'email'",
    expect.stringContaining('sluice.yaml:4:16  records.redact.features.age: '),
    expect.stringContaining('sluice.yaml:7:27  records.endpoints.flights.redact.features.name: '),
    expect.stringContaining('sluice.yaml:8:7  records.endpoints.flights.features: '),
  ])
})

test('ruleProblems() finds a rule for all that misfits in an endpoint without its own section', () => {
  const { config, locate } = load('  redact: {features: {age: mask}}\n')
  const { faults } = recordRules(config.records.policies, PLAN.endpoints, PLAN.versions)
  expect(ruleProblems(locate, faults).map(({ path }) => path)).toEqual([
    'records.redact.features.age',
  ])
})

test('unknownEndpoints() knows what was meant', () => {
  const { config, locate } = load('  endpoints: {flight: {enabled: false}, flights: {}}\n')
  expect(unknownEndpoints(config, locate, ['flights']).map(formatProblem)).toEqual([
    "sluice.yaml:3:15  records.endpoints.flight: 'flight' is no endpoint  (did you mean 'flights'?)",
  ])
})

test('reloadProblems() keeps a config out whose rules fit nothing of what serves', () => {
  const bad = load('  redact: {features: {email: drop}}\n')
  expect(reloadProblems(bad, PLAN)).toHaveLength(1)
  expect(reloadProblems(bad, null)).toEqual([])
  expect(reloadProblems(load('  redact: {features: {age: drop}}\n'), PLAN)).toEqual([])
})
