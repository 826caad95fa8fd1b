import { expect, test } from 'vitest'
import { repositoryParsers } from '../../../../src/config/parsers.ts'
import {
  type Look,
  restlessParts,
  SETTLE_MS,
  withoutRestless,
} from '../../../../src/control/repository/settling.ts'
import type { ModelStamp } from '../../../../src/registry/file-stamps.ts'
import type { ScannedModel } from '../../../../src/registry/folder.ts'

const NOW = 1_000_000
const stampOf = (settingsMs: number, versionMs: number, text = 'v'): ModelStamp => ({
  settings: { text: 's', changedMs: settingsMs },
  versions: new Map([[1, { text, changedMs: versionMs }]]),
})
const lookAt = (before: ModelStamp, more: Partial<Look> = {}): Look => ({
  ...{ before, after: before, nowMs: NOW, monotonicMs: 50, known: new Map() },
  ...more,
})
const partsAt = (look: Look) => [...restlessParts(look).parts.keys()]

test('restlessParts() has what is young, and says when it may be at rest', () => {
  expect(partsAt(lookAt(stampOf(0, NOW - SETTLE_MS)))).toEqual([])
  const young = restlessParts(lookAt(stampOf(NOW - 300, NOW - SETTLE_MS + 200)))
  expect([[...young.parts.keys()], young.waitMs]).toEqual([[0, 1], 200])
})

test('restlessParts() has what changed while it was read, however old it says it is', () => {
  expect(partsAt(lookAt(stampOf(0, 0), { after: stampOf(0, 0, 'w') }))).toEqual([1])
  expect(
    partsAt(lookAt(stampOf(0, 0), { after: { ...stampOf(0, 0), versions: new Map() } })),
  ).toEqual([1])
})

test('restlessParts() believes two looks at the same, where clocks disagree', () => {
  const ahead = stampOf(0, NOW + 3_600_000)
  const first = restlessParts(lookAt(ahead))
  expect([[...first.parts.keys()], first.waitMs]).toEqual([[1], SETTLE_MS])
  const known = first.parts
  expect(partsAt(lookAt(ahead, { known, monotonicMs: 50 + SETTLE_MS - 1 }))).toEqual([1])
  expect(partsAt(lookAt(ahead, { known, monotonicMs: 50 + SETTLE_MS }))).toEqual([])
  const other = stampOf(0, NOW + 3_600_000, 'w')
  expect(partsAt(lookAt(other, { known, monotonicMs: 50 + SETTLE_MS }))).toEqual([1])
})

test('withoutRestless() leaves versions out, and the whole model while its settings are written', () => {
  const version = { version: 1, folder: '', modelFile: '', manifest: null, exampleRow: null }
  const model: ScannedModel = {
    ...{ name: 'm', aliases: {}, config: repositoryParsers.defaultConfig, faults: [] },
    versions: [{ ...version, bounds: [], fault: null }],
    isBroken: false,
  }
  const stamp = stampOf(0, 0)
  const parts = (part: number) => new Map([[part, { text: '', sinceMs: 0 }]])
  expect(withoutRestless(model, new Map(), stamp).versions[0]).toMatchObject({
    ...{ fault: null, stamp: 'v' },
  })
  const copied = withoutRestless(model, parts(1), stamp)
  expect(copied).toMatchObject({
    isBroken: false,
    versions: [{ fault: { code: 'FILES_CHANGING' } }],
  })
  const edited = withoutRestless(model, parts(0), stamp)
  expect(edited).toMatchObject({ isBroken: true, faults: [{ code: 'FILES_CHANGING' }] })
})
