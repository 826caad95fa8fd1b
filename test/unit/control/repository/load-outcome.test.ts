import { expect, test } from 'vitest'
import { repositoryParsers } from '../../../../src/config/parsers.ts'
import type {
  CatalogModel,
  CatalogVersion,
} from '../../../../src/control/planning/catalog-version.ts'
import { NO_ATTEMPT } from '../../../../src/control/planning/load-retries.ts'
import { type LoadFacts, loadOutcome } from '../../../../src/control/repository/load-outcome.ts'
import type { ScannedVersion } from '../../../../src/registry/folder.ts'
import { refuse } from '../../../../src/shared/errors.ts'
import { plannedVersion } from '../../../helpers/epoch-plans.ts'

const PLANNED = plannedVersion({ model: 'm', version: 1 })
const BARE = { version: 1, folder: '', modelFile: '', manifest: null, exampleRow: null }
const SCANNED: ScannedVersion = { ...BARE, bounds: [], fault: null }
const ENTRY: CatalogVersion = {
  ...{ scanned: SCANNED, report: null, sound: PLANNED, failure: null, warnings: [] },
  ...{ isProving: false, attempt: NO_ATTEMPT },
}
const FACTS: LoadFacts = {
  planned: [PLANNED],
  isEverywhere: () => true,
  unbound: [],
  isPlanDue: false,
}

const modelOf = (entry: Partial<CatalogVersion> | null): CatalogModel => ({
  scanned: {
    ...{ name: 'm', aliases: {}, config: repositoryParsers.defaultConfig, faults: [] },
    ...{ versions: entry === null ? [] : [SCANNED], isBroken: false },
  },
  ...{ broken: null, isWanted: true },
  versions: new Map(entry === null ? [] : [[1, { ...ENTRY, ...entry }]]),
})

const unbound = [{ model: 'm', version: 1, code: 'BINDING_FAILED', detail: 'no' }] as const

test.each<[string, Partial<CatalogVersion> | null, Partial<LoadFacts>, unknown]>([
  ['loaded where every replica has it', {}, {}, 'loaded'],
  ['loading while one has not', {}, { isEverywhere: () => false }, 'loading'],
  ['loading while it is proved, whatever serves', { isProving: true }, {}, 'loading'],
  [
    'loading while an older content serves',
    {},
    { planned: [{ ...PLANNED, provenSha256: 'x' }] },
    'loading',
  ],
  ['settling', { failure: refuse('FILES_CHANGING', 'wait'), sound: null }, {}, 'settling'],
  [
    'what is wrong',
    { failure: refuse('MODEL_INVALID', 'bad'), sound: null },
    {},
    ['version 1 is at UNAVAILABLE state: MODEL_INVALID: bad'],
  ],
  [
    'loading while what was unbound is planned anew',
    {},
    { planned: [], unbound, isPlanDue: true },
    'loading',
  ],
  [
    'why it is unbound',
    {},
    { planned: [], unbound },
    ['version 1 is at UNAVAILABLE state: BINDING_FAILED: no'],
  ],
  ['that there is no version', null, {}, ['no version is available']],
])('loadOutcome() says: %s', (_, entry, facts, outcome) => {
  expect(loadOutcome(modelOf(entry), { ...FACTS, ...facts })).toEqual(outcome)
})

test('loadOutcome() says why settings cannot be read, or that they are being written', () => {
  const broken = (code: 'MODEL_CONFIG_INVALID' | 'FILES_CHANGING'): CatalogModel => {
    const model = modelOf(null)
    return { ...model, scanned: { ...model.scanned, isBroken: true, faults: [refuse(code, 'x')] } }
  }
  expect(loadOutcome(broken('MODEL_CONFIG_INVALID'), FACTS)).toEqual(['MODEL_CONFIG_INVALID: x'])
  expect(loadOutcome(broken('FILES_CHANGING'), FACTS)).toBe('settling')
})
