import { expect, test } from 'vitest'
import { atEnd, beginFile, endFile, runCleanUps } from '../../../helpers/clean-up.ts'

const failing = (what: string) => () => {
  throw new Error(what)
}

test('runCleanUps() runs the last first, and all though some fail', async () => {
  const seen: number[] = []
  const cleanUps = [1, 2, 3].map((number) => () => {
    seen.push(number)
  })
  await runCleanUps(cleanUps)
  expect(seen).toEqual([3, 2, 1])
  const [first, ...others] = cleanUps
  await expect(runCleanUps([first!, failing('one'), ...others])).rejects.toThrow('one')
  await expect(runCleanUps([failing('one'), first!, failing('two')])).rejects.toMatchObject({
    errors: [{ message: 'two' }, { message: 'one' }],
  })
  expect(seen).toEqual([3, 2, 1, 3, 2, 1, 1])
})

test('atEnd() starts nothing behind the end of a file, and begins anew with the next one', async () => {
  const nothing = () => {}
  await endFile()
  expect(() => atEnd(nothing)).toThrow('The test file has ended')
  beginFile()
  expect(() => atEnd(nothing)).not.toThrow()
})
