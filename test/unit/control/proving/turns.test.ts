import { expect, test } from 'vitest'
import { Turns } from '../../../../src/control/proving/turns.ts'
import { settle } from '../../../helpers/fake-clock.ts'

/** Tasks that note their beginning and end when told. */
const makeTasks = (max: number) => {
  const turns = new Turns(max)
  const begun: string[] = []
  const ends = new Map<string, { end(): void; letNext(): void }>()
  const start = (name: string): Promise<string> =>
    turns.take(async (letNext) => {
      begun.push(name)
      const { promise, resolve } = Promise.withResolvers<void>()
      ends.set(name, { end: resolve, letNext })
      await promise
      return name
    })
  return { begun, ends, start }
}

test('take() runs so many at a time, in their order', async () => {
  const { begun, ends, start } = makeTasks(2)
  const all = ['a', 'b', 'c', 'd'].map(start)
  await settle()
  expect(begun).toEqual(['a', 'b'])
  ends.get('b')!.end()
  await settle()
  expect(begun).toEqual(['a', 'b', 'c'])
  ends.get('a')!.end()
  await settle()
  for (const { end } of ends.values()) end()
  expect(await Promise.all(all)).toEqual(['a', 'b', 'c', 'd'])
})

test('take() lets the next begin early, once', async () => {
  const { begun, ends, start } = makeTasks(1)
  void start('a')
  void start('b')
  void start('c')
  await settle()
  ends.get('a')!.letNext()
  ends.get('a')!.letNext()
  await settle()
  expect(begun).toEqual(['a', 'b'])
  ends.get('a')!.end()
  await settle()
  expect(begun).toEqual(['a', 'b'])
  ends.get('b')!.end()
  await settle()
  expect(begun).toEqual(['a', 'b', 'c'])
})

test('take() frees the turn of a task that fails', async () => {
  const turns = new Turns(1)
  const failed = turns.take(() => Promise.reject(new Error('no')))
  await expect(failed).rejects.toThrow('no')
  expect(await turns.take(async () => 7)).toBe(7)
})
