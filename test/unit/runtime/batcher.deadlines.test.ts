import { describe, expect, test } from 'vitest'
import { BatcherRig, doubled } from '../../helpers/batcher-rig.ts'

/** Runs of 5 ms and 1 ms a row, as was proved. */
const COST = {
  runMs: (rows: number) => 5 + rows,
  runUsByRows: [
    [1, 6000],
    [2, 7000],
    [8, 13_000],
  ],
} as const

const codes = (rig: BatcherRig, ...members: number[]) =>
  members.map((member) => rig.outcomes.get(member)?.[0]?.code)

const refusal = (rig: BatcherRig, member: number, deadlineMs: number, rows = 1) =>
  rig.batcher.refusal(rig.asker(member, { deadlineMs }), rows, rig.turns.nowMs)

describe('Batcher, of requests with a deadline,', () => {
  test('refuses at once what would finish too late, with the reason', () => {
    const rig = new BatcherRig({ ...COST, policy: { rowsMax: 1 } })
    rig.admit(0, [1])
    rig.turns.turn() // one run has told what runs cost
    for (let member = 1; member <= 5; member++) rig.admit(member, [1])
    const { nowMs } = rig.turns
    expect(refusal(rig, 10, nowMs + 100)).toBe(null)
    expect(refusal(rig, 11, nowMs + 30)).toMatchObject({
      code: 'DEADLINE_UNMEETABLE',
      detail: 'Its deadline is in 30 ms: 36 ms of waiting and 6.0 ms of its own are expected',
    })
    expect(refusal(rig, 12, nowMs)).toMatchObject({ code: 'DEADLINE_EXPIRED' })
  })

  test('lets one in where nothing waits and nobody has told lately what runs cost', () => {
    const rig = new BatcherRig({ ...COST, runUsByRows: [[1, 500_000]], policy: { rowsMax: 1 } })
    const ask = (member: number) => refusal(rig, member, rig.turns.nowMs + 50)
    expect(ask(1)).toBe(null)
    rig.admit(1, [1])
    expect(ask(2)).toMatchObject({ code: 'DEADLINE_UNMEETABLE' })
    rig.turns.turn()
    expect(rig.outcomes.get(1)).toEqual([{ answer: doubled([1]) }])
    expect(ask(3)).toMatchObject({ code: 'DEADLINE_UNMEETABLE' })
    rig.turns.advance(1000)
    expect(ask(4)).toBe(null)
  })

  test('never runs what is past it, and tells it so', () => {
    const rig = new BatcherRig({ ...COST, policy: { rowsMax: 1 } })
    rig.admit(1, [1])
    rig.asker(2, { deadlineMs: rig.turns.nowMs + 6 })
    rig.admit(2, [2])
    rig.admit(3, [3])
    rig.settle(0)
    expect(rig.calls).toEqual([1, 1])
    expect(rig.outcomes.get(2)).toEqual([
      { code: 'DEADLINE_EXPIRED', detail: 'Request timeout expired', badRow: -1 },
    ])
    expect(rig.outcomes.get(3)).toEqual([{ answer: doubled([3]) }])
  })

  test('runs nothing that would be late when its run has ended', () => {
    const rig = new BatcherRig({ ...COST, policy: { rowsMax: 1 } })
    rig.admit(1, [1])
    rig.asker(2, { deadlineMs: rig.turns.nowMs + 9 })
    rig.admit(2, [2])
    rig.settle(0)
    expect(rig.calls).toEqual([1])
    expect(codes(rig, 2)).toEqual(['DEADLINE_UNMEETABLE'])
  })

  test('lets nobody join a batch that would be too late for it then', () => {
    const rig = new BatcherRig(COST)
    rig.asker(1, { deadlineMs: rig.turns.nowMs + 8 })
    for (const member of [1, 2, 3, 4]) rig.admit(member, [member])
    rig.settle(0)
    expect(rig.calls).toEqual([3, 1])
    expect(rig.outcomes.get(1)).toEqual([{ answer: doubled([1]) }])
  })

  test('drops the rest of a request in parts', () => {
    const rig = new BatcherRig({ ...COST, policy: { rowsMax: 2 } })
    rig.asker(1, { deadlineMs: rig.turns.nowMs + 20 })
    rig.admit(1, [1, 2, 3, 4, 5, 6, 7, 8])
    rig.settle(0)
    expect(rig.calls.length).toBeLessThan(4)
    expect(rig.outcomes.get(1)).toHaveLength(1)
    expect(codes(rig, 1)[0]).toMatch(/^DEADLINE_/)
    expect([rig.batcher.queuedRows, rig.batcher.waitingMs, rig.queuedRows]).toEqual([0, 0, 0])
  })

  test('answers promptly while the instance waits for company', () => {
    const rig = new BatcherRig({ policy: { queueDelayUsMax: 10_000_000 } })
    rig.asker(1, { timeoutMs: rig.turns.nowMs + 100 })
    rig.admit(1, [1])
    rig.turns.turn()
    rig.turns.advance(99)
    expect(rig.outcomes.size).toBe(0)
    rig.turns.advance(1)
    expect(codes(rig, 1)).toEqual(['DEADLINE_EXPIRED'])
    expect([rig.calls, rig.batcher.queuedRows]).toEqual([[], 0])
  })

  test('waits for no company that would make it late', () => {
    const rig = new BatcherRig({ ...COST, policy: { queueDelayUsMax: 10_000_000 } })
    rig.asker(1, { deadlineMs: rig.turns.nowMs + 100 })
    rig.admit(1, [1])
    for (let i = 0; i < 120 && !rig.outcomes.has(1); i++) {
      rig.turns.turn()
      rig.turns.advance(1)
    }
    expect(rig.outcomes.get(1)).toEqual([{ answer: doubled([1]) }])
    expect(rig.turns.nowMs).toBeGreaterThan(45)
    expect(rig.turns.nowMs).toBeLessThan(60)
  })
})
