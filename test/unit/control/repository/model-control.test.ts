import { expect, test } from 'vitest'
import {
  ModelControl,
  type ModelControlSettings,
} from '../../../../src/control/repository/model-control.ts'
import type { Requests } from '../../../../src/control/state/stored-requests.ts'

const NONE: Requests = { loaded: [], unloaded: [] }

const controlOf = (settings: Partial<ModelControlSettings>, requests = NONE) => {
  const written: Requests[] = []
  const all = {
    mode: 'explicit',
    pollMs: 1,
    loadModels: [],
    retries: { max: 0, firstMs: 1 },
  } as const
  const store = { write: (asked: Requests) => void written.push(asked) }
  return { control: new ModelControl({ ...all, ...settings }, requests, store), written, store }
}

test('isWanted() is true of all models, but in the explicit mode', () => {
  for (const mode of ['none', 'poll'] as const) {
    const { control } = controlOf({ mode }, { loaded: [], unloaded: ['a'] })
    expect(control.isWanted('a')).toBe(true)
  }
  const { control } = controlOf({ loadModels: ['a'] })
  expect(['a', 'b'].map(control.isWanted)).toEqual([true, false])
  expect(['a', 'b'].map(controlOf({ loadModels: ['*'] }).control.isWanted)).toEqual([true, true])
})

test('ask() that cannot be written changes nothing, and restore() counts all the same', () => {
  const { control, store } = controlOf({ loadModels: ['a'] })
  store.write = () => {
    throw new Error('full')
  }
  expect(() => control.ask('a', 'unload')).toThrow()
  expect([control.isWanted('a'), control.wishFor('a')]).toEqual([true, null])
  expect(() => control.restore('a', 'unload')).toThrow()
  expect([control.isWanted('a'), control.wishFor('a')]).toEqual([false, 'unload'])
})

test('restore() takes a request back', () => {
  const { control, written } = controlOf({ loadModels: ['a'] })
  control.ask('a', 'unload')
  control.restore('a', null)
  expect([control.isWanted('a'), written.at(-1)]).toEqual([true, NONE])
})

test('ask() counts above the config, and is kept; the last wish counts', () => {
  const { control, written } = controlOf({ loadModels: ['a'] })
  control.ask('a', 'unload')
  control.ask('b', 'load')
  control.ask('b', 'unload')
  control.ask('b', 'load')
  expect(['a', 'b'].map(control.isWanted)).toEqual([false, true])
  expect(written.at(-1)).toEqual({ loaded: ['b'], unloaded: ['a'] })
  const next = controlOf({ loadModels: ['a'] }, written.at(-1)).control
  expect(['a', 'b'].map(next.isWanted)).toEqual([false, true])
})
