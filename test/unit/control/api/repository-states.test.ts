import { expect, test } from 'vitest'
import { repositoryIndex } from '../../../../src/control/api/repository-states.ts'
import type { VersionStatus } from '../../../../src/control/api/status-document.ts'

const version = (number: number, more: Partial<VersionStatus>): VersionStatus => ({
  ...{ version: number, state: 'available', aliases: [], code: null, reason: null, digest: null },
  ...{
    signature: null,
    batching: null,
    session: null,
    runUs: null,
    memoryBytes: null,
    gpu: null,
    unloads: [],
    placement: null,
    warnings: [],
  },
  ...more,
})

const DOCUMENT = {
  models: [
    { name: 'none', aliases: {}, versions: [] },
    {
      name: 'all',
      aliases: {},
      versions: [
        version(1, { state: 'unloaded', reason: 'the version policy does not name it' }),
        version(2, { state: 'failed', code: 'MODEL_INVALID', reason: 'it is bad' }),
        version(30, { state: 'loading' }),
        version(400, {}),
      ],
    },
  ],
}

test('repositoryIndex() has a line for every version, and for a model without any', () => {
  const unloaded = 'unloaded: the version policy does not name it'
  expect(repositoryIndex(DOCUMENT, false)).toEqual([
    { name: 'none', state: 'UNAVAILABLE', reason: 'no versions' },
    { name: 'all', version: '1', state: 'UNAVAILABLE', reason: unloaded },
    { name: 'all', version: '2', state: 'UNAVAILABLE', reason: 'MODEL_INVALID: it is bad' },
    { name: 'all', version: '30', state: 'LOADING', reason: '' },
    { name: 'all', version: '400', state: 'READY', reason: '' },
  ])
})

test('repositoryIndex() of what is ready is what serves', () => {
  expect(repositoryIndex(DOCUMENT, true)).toEqual([
    { name: 'all', version: '400', state: 'READY', reason: '' },
  ])
})
