/** `.ci/run` with an `npm` that does what the case says: what it counts and how it ends. */

import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { makeTree } from '../helpers/tree.ts'

const GATE = fileURLToPath(new URL('../../.ci/run', import.meta.url))

interface Outcome {
  readonly status: number | null
  readonly lastLine: string
  /** All lines. */
  readonly lines: readonly string[]
}

/** Runs the gate in a folder of its own. `npm` is the body of a shell `case` over `$*`. */
const runGate = (npm: string): Outcome => {
  const folder = makeTree({
    '.ci': null,
    'bin/npm': `#!/bin/sh\ncase "$*" in\n${npm}\nesac\n`,
  })
  copyFileSync(GATE, join(folder, '.ci/run'))
  chmodSync(join(folder, 'bin/npm'), 0o755)
  const { status, stdout } = spawnSync('bash', [join(folder, '.ci/run')], {
    env: { ...process.env, PATH: `${join(folder, 'bin')}:${process.env['PATH']}` },
    encoding: 'utf8',
  })
  const lines = stdout.trimEnd().split('\n')
  return { status, lastLine: lines.at(-1) ?? '', lines }
}

test('.ci/run adds the tests of npm test to its own steps', () => {
  const outcome = runGate(`test) echo '40 passed, 0 failed';;`)
  expect(outcome).toMatchObject({ status: 0, lastLine: '50 passed, 0 failed' })
})

test('.ci/run fails with the failures that npm test counts', () => {
  const outcome = runGate(`test) echo '38 passed, 2 failed'; exit 1;;`)
  expect(outcome).toMatchObject({ status: 1, lastLine: '48 passed, 2 failed' })
})

test('.ci/run fails when npm ci fails, and runs nothing more', () => {
  const outcome = runGate(`ci) exit 1;;\n*) echo '40 passed, 0 failed';;`)
  expect(outcome).toMatchObject({ status: 1, lastLine: '0 passed, 1 failed' })
})

test('.ci/run fails when npm test ends before it has counted, whatever a test has printed', () => {
  const printed = `echo '40 passed, 0 failed'; echo 'and then'`
  for (const end of ['exit 0', 'exit 124', 'kill -KILL $$']) {
    const outcome = runGate(`test) ${printed}; ${end};;`)
    expect({ end, ...outcome }).toMatchObject({ end, status: 1, lastLine: '10 passed, 1 failed' })
  }
})

test('.ci/run fails when npm test says nothing, or counts no failure and fails', () => {
  expect(runGate('')).toMatchObject({ status: 1, lastLine: '10 passed, 1 failed' })
  const outcome = runGate(`test) echo '40 passed, 0 failed'; exit 1;;`)
  expect(outcome).toMatchObject({ status: 1, lastLine: '50 passed, 1 failed' })
})

test('.ci/run takes the count from stdout, not from what npm says after it', () => {
  const outcome = runGate(`test) echo '38 passed, 2 failed'; echo 'npm error' >&2; exit 1;;`)
  expect(outcome).toMatchObject({ status: 1, lastLine: '48 passed, 2 failed' })
})

test('.ci/run fails when a bench fails', () => {
  const outcome = runGate(`test) echo '40 passed, 0 failed';;\n*http*) exit 1;;`)
  expect(outcome).toMatchObject({ status: 1, lastLine: '49 passed, 1 failed' })
})

test('.ci/run says once more at its end what npm test has not run', () => {
  const line = '  not run  tritonclient             no package index answers'
  const { lines } = runGate(`test) echo '${line}'; echo '40 passed, 0 failed';;`)
  const at = lines.lastIndexOf(line)
  expect(lines.filter((each) => each === line)).toHaveLength(2)
  expect(lines.slice(at + 1).map((each) => each.split(':')[0])).toEqual([
    '== not run',
    '50 passed, 0 failed',
  ])
})

test('.ci/run names at its end the tests and the steps that failed', () => {
  const failure = `echo ' FAIL  |unit| a.test.ts > it works'; echo 'AssertionError: it does not'`
  const { lines } = runGate(
    `test) ${failure}; echo '  late     fault'; echo '4 passed, 1 failed'; exit 1;;\n*http*) exit 3;;`,
  )
  expect(lines.slice(-6)).toEqual([
    ' FAIL  |unit| a.test.ts > it works',
    'AssertionError: it does not',
    '  late     fault',
    '== FAILED: npm run bench -- http --tiny ended with 3',
    expect.stringMatching(/^== not run/),
    '13 passed, 2 failed',
  ])
})
