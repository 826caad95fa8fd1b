import { expect, test } from 'vitest'
import { parseCoreTicks } from '../../../../bench/measure/cores.ts'

const STAT = `cpu  30 2 4 100 5 1 1 3 0 0
cpu0 10 1 2 60 4 0 1 2 0 0
cpu1 20 1 2 40 1 1 0 1 7 0
intr 5`

test('parseCoreTicks() adds up what a core did, without counting guests twice', () => {
  expect(parseCoreTicks(STAT, 1)).toEqual({ idle: 41, all: 66 })
  expect(parseCoreTicks(STAT, 2)).toBeNull()
})
