import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { runPython } from '../helpers/client-program.ts'
import { makeConformanceRepository } from '../helpers/conformance-models.ts'
import { EXAMPLE_REPOSITORY } from '../helpers/example.ts'
import { startGateway } from '../helpers/gateway.ts'
import { clientConformanceSuite } from '../helpers/suites/client-conformance.ts'

clientConformanceSuite('tritonclient', makeConformanceRepository())

const numbersOf = (text = ''): number[] => text.match(/\d\.\d+/g)?.map(Number) ?? []

test('README.md: the program in Python prints what stands below it', async () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const program = /```python\n([\s\S]+?)```/.exec(readme)?.[1] ?? ''
  const shown = numbersOf(/^# (.+)$/m.exec(program)?.[1])
  expect(shown).toHaveLength(2)
  const gateway = await startGateway({ repository: EXAMPLE_REPOSITORY })
  const own = program.replace('127.0.0.1:8000', `127.0.0.1:${gateway.httpPort}`)
  // The last digit is that of the CPU.
  const near = shown.map((value) => expect.closeTo(value, 6))
  expect(numbersOf(runPython('tritonclient', own))).toEqual(near)
})
