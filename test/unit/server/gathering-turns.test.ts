import { expect, test } from 'vitest'
import { GATHER_MS, GatheringTurns } from '../../../src/server/gathering-turns.ts'
import { PuppetTurns } from '../../helpers/puppet-turns.ts'

/** What runs, and the bells behind it, in turns into which requests come when a test says so. */
class World {
  readonly turns = new PuppetTurns()
  readonly log: string[] = []
  taken = 0
  readonly gathering = new GatheringTurns({
    turns: this.turns,
    taken: () => this.taken,
    onRan: () => this.log.push('bell'),
  })

  /** Requests come, and the queue of the first one asks for a turn if it has not yet. */
  come(count: number, task: (() => void) | null = null): void {
    this.taken += count
    if (task !== null) this.gathering.soon(task)
  }

  readonly run = (): void => {
    this.log.push(`run ${this.taken}`)
  }
}

test('who is alone runs after one turn that brings nobody else', () => {
  const world = new World()
  world.come(1, world.run)
  world.turns.turn()
  expect(world.log).toEqual([])
  world.turns.turn()
  expect([world.log, world.turns.isIdle]).toEqual([['run 1', 'bell'], true])
})

test('what comes meanwhile runs with them', () => {
  const world = new World()
  world.come(5, world.run)
  world.turns.turn()
  world.come(11)
  world.turns.turn()
  expect(world.log).toEqual([])
  world.turns.turn()
  expect(world.log).toEqual(['run 16', 'bell'])
})

test('while requests come in every turn, the first one waits no longer than GATHER_MS', () => {
  const world = new World()
  world.come(1, world.run)
  world.turns.turn()
  world.turns.advance(GATHER_MS)
  world.come(1)
  world.turns.turn()
  expect(world.log).toEqual(['run 2', 'bell'])
})

test('queues that asked for the same turn run one after the other, with one bell', () => {
  const world = new World()
  world.come(1, world.run)
  world.come(1, world.run)
  for (let i = 0; i < 2; i++) world.turns.turn()
  expect(world.log).toEqual(['run 2', 'run 2', 'bell'])
})

test('what a run has left waits for nobody', () => {
  const world = new World()
  world.come(1, () => world.gathering.soon(world.run))
  for (let i = 0; i < 2; i++) world.turns.turn()
  expect(world.log).toEqual(['bell'])
  world.come(1)
  world.turns.turn()
  expect(world.log).toEqual(['bell', 'run 2', 'bell'])
})

test('a queue that throws takes nobody else’s turn', () => {
  const world = new World()
  world.come(1, () => {
    throw new Error('a fault')
  })
  world.gathering.soon(world.run)
  world.turns.turn()
  expect(() => world.turns.turn()).toThrow('a fault')
  world.turns.turn()
  expect(world.log).toEqual(['bell', 'run 1', 'bell'])
})

test('timers and the clock are those of the thread', () => {
  const world = new World()
  world.gathering.after(3, world.run)
  world.turns.advance(3)
  expect([world.log, world.gathering.monotonic()]).toEqual([['run 0'], 3])
})
