import { expect, test } from 'vitest'
import { Waiting } from '../../../src/control/waiting.ts'
import { settle } from '../../helpers/fake-clock.ts'

test('when() resolves when its condition holds, at once or when it is looked at again', async () => {
  const waiting = new Waiting()
  await waiting.when(() => true)
  let isMet = false
  let ended = 0
  for (let i = 0; i < 2; i++) void waiting.when(() => isMet).then(() => void ended++)
  waiting.tell()
  await settle()
  expect(ended).toBe(0)
  isMet = true
  waiting.tell()
  waiting.tell()
  await settle()
  expect(ended).toBe(2)
})
