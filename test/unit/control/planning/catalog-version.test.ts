import { expect, test } from 'vitest'
import { repositoryParsers } from '../../../../src/config/parsers.ts'
import { aspiredOf, entriesOf, judge } from '../../../../src/control/planning/catalog-version.ts'
import type { ScannedModel, ScannedVersion } from '../../../../src/registry/folder.ts'
import { refuse } from '../../../../src/shared/errors.ts'
import { INLINE } from '../../../../src/shared/placement.ts'
import { provingReport } from '../../../helpers/proving-report.ts'

const versionOf = (version: number): ScannedVersion => ({
  ...{ version, folder: '', modelFile: '', manifest: null, exampleRow: null, bounds: [] },
  fault: null,
})
const MODEL: ScannedModel = {
  ...{ name: 'm', aliases: { blue: 1 }, config: repositoryParsers.defaultConfig },
  ...{ versions: [1, 2, 3].map(versionOf), faults: [], isBroken: false },
}

test('aspiredOf() follows the policy of the model, and what has failed', () => {
  expect(aspiredOf(MODEL, () => false)).toEqual([1, 3])
  expect(aspiredOf(MODEL, (version) => version === 3)).toEqual([1, 2, 3])
  const config = { ...MODEL.config, versionPolicy: { kind: 'all' } as const }
  expect(aspiredOf({ ...MODEL, config }, () => false)).toEqual([1, 2, 3])
})

test('entriesOf() keeps what was sound, until a fault is found', () => {
  const [version] = MODEL.versions
  const { sound } = judge(MODEL, version!, provingReport(), () => INLINE)
  const known = new Map([[1, { ...entriesOf([version!]).get(1)!, sound }]])
  expect(entriesOf([version!], known).get(1)).toMatchObject({ sound, isProving: true })
  const fault = refuse('MANIFEST_INVALID', 'torn')
  expect(entriesOf([{ ...version!, fault }], known).get(1)).toMatchObject({
    ...{ sound: null, failure: fault, isProving: false },
  })
})
