import { expect, test } from 'vitest'
import { ReceivingCalls } from '../../../../src/server/grpc/receiving-calls.ts'

const call = (beganMs: number) => {
  const ended = { late: 0 }
  const awaitedMs: number | null = null
  return {
    ...{ isReceived: false, isEnded: false, beganMs, ended },
    awaitedMs: awaitedMs as number | null,
    endLate: () => void ended.late++,
  }
}

const turn = () => new Promise<void>((resolve) => void setImmediate(resolve))

test('ReceivingCalls waits a minute for a request, and ends the call then', async () => {
  const calls = new ReceivingCalls()
  const [first, second] = [call(0), call(1000)]
  calls.add(first, first.beganMs)
  calls.add(second, second.beganMs)
  await turn()
  calls.endLate(59_999)
  expect(first.ended.late).toBe(0)
  calls.endLate(60_000)
  expect([first.ended.late, second.ended.late]).toEqual([1, 0])
  calls.endLate(61_000)
  expect([first.ended.late, second.ended.late, calls.size]).toEqual([1, 1, 0])
})

test('ReceivingCalls keeps none that is received, or has ended, in the turn in which it began', async () => {
  const calls = new ReceivingCalls()
  calls.add({ ...call(0), isReceived: true }, 0)
  calls.add({ ...call(0), isEnded: true }, 0)
  await turn()
  expect(calls.size).toBe(0)
})

test('ReceivingCalls forgets what is taken out', async () => {
  const calls = new ReceivingCalls()
  const slow = call(0)
  calls.add(slow, 0)
  await turn()
  calls.remove(slow)
  expect(calls.size).toBe(0)
})

test('ReceivingCalls forgets what is taken out in the turn in which it began', async () => {
  const calls = new ReceivingCalls()
  const watch = call(0)
  calls.add(watch, 0)
  calls.remove(watch)
  await turn()
  expect(calls.size).toBe(0)
})
