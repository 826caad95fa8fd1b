import { expect, test } from 'vitest'
import { HeldVersions } from '../../../src/server/held-versions.ts'

test('counting() tells the versions held whenever that changes, each until its last session', () => {
  const told: number[][] = []
  const disposed: string[] = []
  const held = new HeldVersions((numbers) => told.push([...numbers]))
  const load = held.counting((name: string, number: number) => ({
    number,
    dispose: () => disposed.push(name),
  }))
  const [one, other, two] = [load('one', 1), load('one, other settings', 1), load('two', 2)]
  expect(one.number).toBe(1)
  one.dispose()
  expect(told).toEqual([[1], [1], [1, 2], [1, 2]])
  other.dispose()
  two.dispose()
  expect(told.slice(4)).toEqual([[2], []])
  expect(disposed).toEqual(['one', 'one, other settings', 'two'])
})

test('counting() holds nothing of a load that fails', () => {
  const told: number[][] = []
  const load = new HeldVersions((numbers) => told.push([...numbers])).counting(() => {
    throw new Error('bad')
  })
  expect(() => load('x', 1)).toThrow('bad')
  expect(told).toEqual([])
})
