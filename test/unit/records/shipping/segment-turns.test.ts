import { expect, test } from 'vitest'
import { SegmentPlaces } from '../../../../src/records/shipping/segment-places.ts'
import { SegmentTurns } from '../../../../src/records/shipping/segment-turns.ts'
import { listStreams } from '../../../../src/records/shipping/spool-folder.ts'
import { Refusals } from '../../../../src/records/spool/refusals.ts'

const FILES = [1, 2, 3, 4].map((number) => `r0-i1-g0-${number}.seg`)
const [first, second, third, fourth] = FILES as [string, string, string, string]

const rig = () => {
  const clock = { nowMs: 0 }
  const places = new SegmentPlaces()
  const passedOver = new Refusals(() => clock.nowMs, 9)
  const turns = new SegmentTurns(() => clock.nowMs, places)
  const order = (underWay: string | null = null) =>
    turns
      .begin(listStreams(FILES)[0]!.segments, underWay)
      .map(({ name }) => name.number)
      .join('')
  return { clock, places, passedOver, turns, order }
}

test('begin() has what cannot be read come last, but where nothing else comes to an end', () => {
  const { places, turns, order } = rig()
  places.note(first, { isPassedOver: true })
  expect(order()).toBe('2341')
  turns.end()
  expect([order(), order(), order(second)]).toEqual(['2341', '1234', '2134'])
})

test('isDue() waits for half a minute, and for its turn, also with what others have found', () => {
  const { clock, places, passedOver, turns } = rig()
  const due = () => FILES.filter((file) => turns.isDue(file, passedOver)).join()
  clock.nowMs = 10
  turns.passOver(first, 0, passedOver)
  expect([turns.isHeldUp, due()]).toEqual([true, FILES.slice(1).join()])
  for (const file of [second, third]) places.note(file, { isPassedOver: true })
  clock.nowMs = 30_009
  expect(due()).toEqual([second, fourth].join())
  clock.nowMs = 30_010
  expect(due()).toEqual([first, second, fourth].join())
  turns.take(first, passedOver)
  expect([turns.isHeldUp, due()]).toEqual([false, [first, second, fourth].join()])
})

test('hurry() has all of them due, and forget() those that are not there', () => {
  const { places, passedOver, turns } = rig()
  turns.passOver(first, 0, passedOver)
  turns.hurry()
  expect(turns.isDue(first, passedOver)).toBe(true)
  turns.passOver(first, 0, passedOver)
  places.note(second, {})
  turns.forget()
  expect(turns.isDue(first, passedOver)).toBe(true)
})
