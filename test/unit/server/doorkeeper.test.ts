import { expect, test } from 'vitest'
import { ACCEPTING, type Accepting, LOOK_CONNECTIONS_MIN } from '../../../src/server/accepting.ts'
import { connectionsShare, Doorkeeper } from '../../../src/server/doorkeeper.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'

const begin = (connectionsMax: number) => {
  const clock = new FakeClock()
  const changes: Accepting[] = []
  /** An engine whose port may be taken from it. */
  const door = {
    isAccepting: true,
    isStuck: false,
    pauseAccepting: () => {
      door.isAccepting = false
    },
    resumeAccepting: () => {
      door.isAccepting = !door.isStuck
    },
  }
  const doorkeeper = new Doorkeeper({
    clock,
    connectionsMax,
    onChange: (accepting) => changes.push(accepting),
  })
  doorkeeper.begin(door)
  const come = (count: number, delta: 1 | -1 = 1) => {
    for (let i = 0; i < count; i++) doorkeeper.onConnections(delta)
  }
  return { clock, changes, door, doorkeeper, come }
}

test.each([
  [10_000, 4, 2500],
  [10, 3, 3],
  [1, 4, 1],
])('connectionsShare() of %i among %i is %i', (connectionsMax, threads, share) => {
  expect(connectionsShare(connectionsMax, threads)).toBe(share)
})

test('Doorkeeper closes with the connection that is the last, and opens when there is room', async () => {
  const { clock, changes, door, come } = begin(20)
  come(19)
  expect([door.isAccepting, clock.pending]).toEqual([true, 0])
  come(1)
  expect([door.isAccepting, changes]).toEqual([false, [ACCEPTING.FULL]])
  await clock.advance(5000)
  expect(door.isAccepting).toBe(false)
  come(1, -1)
  expect([door.isAccepting, changes]).toEqual([true, [ACCEPTING.FULL, ACCEPTING.OPEN]])
  come(1)
  come(1, -1)
  expect(door.isAccepting).toBe(false)
  await clock.advance(5)
  come(1, -1)
  expect(door.isAccepting).toBe(true)
  await clock.advance(20)
  expect(clock.pending).toBe(0)
})

test('Doorkeeper closes while the loop is late, and opens when it is not', async () => {
  const { clock, changes, door, come } = begin(1000)
  come(LOOK_CONNECTIONS_MIN)
  for (let i = 0; i < 15; i++) await clock.standStill(50)
  expect([door.isAccepting, changes]).toEqual([false, [ACCEPTING.LATE]])
  await clock.advance(40)
  expect([door.isAccepting, changes]).toEqual([true, [ACCEPTING.LATE, ACCEPTING.OPEN]])
})

test('Doorkeeper does not look while there are few connections', async () => {
  const { clock, changes, come } = begin(1000)
  come(LOOK_CONNECTIONS_MIN - 1)
  for (let i = 0; i < 50; i++) await clock.standStill(100)
  expect([clock.pending, changes]).toEqual([0, []])
  come(1)
  expect(clock.pending).toBe(1)
  come(1, -1)
  await clock.advance(20)
  expect(clock.pending).toBe(0)
})

test('Doorkeeper tries again where the port cannot be bound at once', async () => {
  const { clock, door, come } = begin(10)
  come(10)
  door.isStuck = true
  come(5, -1)
  await clock.advance(200)
  expect(door.isAccepting).toBe(false)
  door.isStuck = false
  await clock.advance(20)
  expect(door.isAccepting).toBe(true)
})

test('Doorkeeper opens nothing after its end', async () => {
  const { clock, door, doorkeeper, come } = begin(10)
  come(10)
  doorkeeper.end()
  come(10, -1)
  await clock.advance(5000)
  expect([door.isAccepting, clock.pending]).toEqual([false, 0])
})
