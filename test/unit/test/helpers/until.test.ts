import { expect, test } from 'vitest'
import { until } from '../../../helpers/until.ts'

/** Keeps the event loop busy, as a machine does that has other things to do. */
const stall = (ms: number): void => {
  const endMs = performance.now() + ms
  while (performance.now() < endMs);
}

test('until() gives the first truthy value, and takes a throw for not yet', async () => {
  const answers = [() => 0, () => JSON.parse('{'), () => null, () => 'now']
  expect(await until(() => answers.shift()?.(), { what: 'an answer', everyMs: 1 })).toBe('now')
})

test('until() rejects with what it waited for and the last error', async () => {
  const ask = () => {
    throw new Error('not yet')
  }
  const options = { what: 'a miracle', timeoutMs: 5, everyMs: 1 }
  await expect(until(ask, options)).rejects.toMatchObject({
    message: 'Waited 5 ms in vain for a miracle',
    cause: { message: 'not yet' },
  })
})

test('until() asks once more after a stall that ate all of its time', async () => {
  let asked = 0
  const ask = () => {
    asked += 1
    if (asked === 1) setImmediate(() => stall(40)) // past the deadline, before the next question
    return asked === 2
  }
  expect(await until(ask, { what: 'the second question', timeoutMs: 20, everyMs: 1 })).toBe(true)
})

test('until() gives up on a question that is never answered', async () => {
  const options = { what: 'an answer', timeoutMs: 5 }
  await expect(until(() => new Promise(() => {}), options)).rejects.toMatchObject({
    message: 'Waited 5 ms in vain for an answer',
    cause: { message: 'The last question was not answered' },
  })
})
