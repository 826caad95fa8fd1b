import { expect, test } from 'vitest'
import { ThreadCalls } from '../../../src/server/thread-calls.ts'
import { forwardedCall } from '../../../src/shared/forwarded-call.ts'

const CALL = forwardedCall('repository_index', { ready: false })

test('ThreadCalls hands each answer to whom it is for, once, and forgets it', () => {
  const told: number[] = []
  const calls = new ThreadCalls(({ type, number, call }) => {
    expect([type, call]).toEqual(['call', CALL])
    told.push(number)
  })
  const heard: unknown[] = []
  for (const name of ['a', 'b']) calls.forward(CALL, (answer) => heard.push([name, answer]))
  expect([new Set(told).size, calls.size]).toEqual([2, 2])
  const answer = (number: number, text: string) =>
    calls.onAnswered({ type: 'answered', number, answer: text })
  answer(told[1]!, 'to b')
  answer(told[1]!, 'to b again')
  answer(99, 'to nobody')
  expect([heard, calls.size]).toEqual([[['b', 'to b']], 1])
  answer(told[0]!, 'to a')
  expect([heard.at(-1), calls.size]).toEqual([['a', 'to a'], 0])
})
