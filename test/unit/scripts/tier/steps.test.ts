import { expect, test } from 'vitest'
import {
  isRequired,
  misfits,
  STEPS,
  type Step,
  stepsOf,
  type TestStep,
  tiersLeftOut,
  wantedOf,
} from '../../../../scripts/tier/steps.ts'

const ALL: TestStep = {
  name: 'all',
  tier: 'ok',
  kind: 'vitest',
  projects: ['tidy', 'unit', 'property', 'integration', 'fault', 'conformance', 'full', 'soak'],
}
const FILES = [
  'test/tidy.test.ts',
  'test/unit/shared/ids.test.ts',
  'test/property/json.test.ts',
  'test/integration/gateway.test.ts',
  'test/fault/processes.test.ts',
  'test/conformance/tritonclient.test.ts',
  'test/full/promtool.test.ts',
  'test/soak/memory.soak.ts',
]

test('misfits() has nothing to say when each file is run once', () => {
  expect(misfits(FILES, [ALL])).toEqual([])
  expect(misfits(FILES, [ALL, { ...ALL, name: 'again', isRepeat: true }])).toEqual([])
})

test('misfits() names a file that no project has', () => {
  const files = [...FILES, 'test/misc/a.test.ts', 'test/a.test.ts', 'test/soak/a.test.ts']
  expect(misfits(files, [ALL])).toEqual([
    'test/misc/a.test.ts: run by 0 steps of scripts/tier/steps.ts; want one',
    'test/a.test.ts: run by 0 steps of scripts/tier/steps.ts; want one',
    'test/soak/a.test.ts: run by 0 steps of scripts/tier/steps.ts; want one',
  ])
})

test('misfits() names files that two steps run, and a project that none does', () => {
  const steps: Step[] = [
    { ...ALL, projects: ALL.projects.filter((name) => name !== 'full') },
    { ...ALL, name: 'faults', projects: ['fault'] },
  ]
  expect(misfits(FILES, steps)).toEqual([
    'test/fault/processes.test.ts: run by 2 steps of scripts/tier/steps.ts; want one',
    'test/full/promtool.test.ts: run by 0 steps of scripts/tier/steps.ts; want one',
    'scripts/tier/projects.ts: no step runs project full',
  ])
})

test('misfits() names a file that one step leaves out and none runs', () => {
  const except = ['test/fault/processes.test.ts']
  const steps: Step[] = [{ ...ALL, except }]
  expect(misfits(FILES, steps)).toEqual([
    'test/fault/processes.test.ts: run by 0 steps of scripts/tier/steps.ts; want one',
  ])
  expect(misfits(FILES, [...steps, { ...ALL, name: 'later', files: except }])).toEqual([])
})

test('misfits() names a project and a file of a step without a test', () => {
  const steps: Step[] = [{ ...ALL, files: ['test/full/gone.test.ts', ...FILES.slice(1)] }]
  expect(misfits(FILES.slice(1), steps)).toEqual([
    'scripts/tier/steps.ts: step "all" wants test/full/gone.test.ts: no such test',
  ])
  expect(misfits(FILES.slice(1), [ALL])).toEqual([
    'scripts/tier/steps.ts: step "all" wants test/tidy.test.ts: no such test',
  ])
})

test('stepsOf() gives a tier the steps of those before it, and soak its own', () => {
  const count = (tier: Parameters<typeof stepsOf>[0]) => stepsOf(tier).length
  expect(count('ok')).toBeLessThan(count('test'))
  expect(count('test')).toBeLessThan(count('full'))
  expect(stepsOf('soak').every((step) => step.tier === 'soak')).toBe(true)
  expect(tiersLeftOut('test')).toEqual(['full', 'soak'])
  expect(tiersLeftOut('soak')).toEqual(['ok', 'test', 'full'])
})

test('STEPS has tidy alone in a step, so that its time is printed: it must stay quick', () => {
  const tidy = STEPS.filter((step) => step.kind === 'vitest' && step.projects.includes('tidy'))
  expect(tidy).toMatchObject([{ name: 'tidy', tier: 'ok', projects: ['tidy'] }])
})

test('isRequired() is true of what npm test runs, where it is the gate', () => {
  const of = (name: string) => STEPS.find((step) => step.name === name)!
  expect(['tidy', 'tritonclient'].map((name) => isRequired(of(name), true))).toEqual([true, true])
  expect(['kserve', 'promtool', 'soak'].some((name) => isRequired(of(name), true))).toBe(false)
  expect(STEPS.some((step) => isRequired(step, false))).toBe(false)
})

test('wantedOf() is the files of a step, else those of its projects', () => {
  expect(wantedOf({ ...ALL, projects: ['unit'] })).toEqual(['test/unit/**/*.test.ts'])
  expect(wantedOf({ ...ALL, files: ['test/full/a.test.ts'] })).toEqual(['test/full/a.test.ts'])
})
