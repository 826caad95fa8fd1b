/** Rules for tests and their helpers. */

import { misfits } from '../../scripts/tier/steps.ts'
import { type BadCase, bad, type TidyRule } from './rule.ts'
import {
  type CodeFile,
  child,
  children,
  dottedName,
  keyOf,
  lineAt,
  placeOf,
  type Repository,
  type SyntaxNode,
  textOf,
} from './source.ts'
import { type Ban, breaches, type Policy } from './uses.ts'

/** Test files and their helpers: what a helper does, a test does. */
const isOfTests = ({ path }: { path: string }): boolean => path.startsWith('test/')

const ofTests = ({ code }: Repository): readonly CodeFile[] => code.filter(isOfTests)

const calleeOf = (node: SyntaxNode | undefined): string => dottedName(child(node, 'callee'))

/** `test`, `it.concurrent`, `describe.each(...)`: the callee of what declares tests. */
const TEST_FUNCTION = /^(test|it|describe|suite)\b/
const SINGLED_OUT = /^only$/
const SKIPPED = /^(skip|skipIf|runIf|todo|fails)$/

/** Whether a value is given to a function that declares tests. */
const isGivenToTest = (value: SyntaxNode | undefined): boolean => {
  const call = value?.parent
  if (call?.type !== 'CallExpression' || !children(call, 'arguments').includes(value!)) return false
  const inner = child(call, 'callee')
  // `test.each(rows)('title', options, body)` is a call of a call.
  return TEST_FUNCTION.test(calleeOf(inner?.type === 'CallExpression' ? inner : call))
}

/** Whether a node is in a test whose function calls its context by this name. */
const isContext = (node: SyntaxNode, name: string): boolean => {
  if (name === '') return false
  for (let up = node.parent; up !== undefined; up = up.parent) {
    if (isGivenToTest(up) && dottedName(children(up, 'params')[0]) === name) return true
  }
  return false
}

/** The word by which a node singles out or skips a test, or an empty string. */
const wordOf = (node: SyntaxNode): string => {
  if (node.type === 'MemberExpression') {
    const isOfTest = TEST_FUNCTION.test(dottedName(node))
    if (!isOfTest && !isContext(node, dottedName(child(node, 'object')))) return ''
    return keyOf(child(node, 'property'), node['computed'] === true)
  }
  const holder = node.parent
  if (node.type !== 'Property' || holder === undefined) return ''
  const word = keyOf(child(node, 'key'), node['computed'] === true)
  // `test('title', { skip: true }, ...)` and `test('title', ({ skip }) => ...)`.
  const isOptions = holder.type === 'ObjectExpression' && isGivenToTest(holder)
  const isPattern = children(holder.parent, 'params')[0] === holder && isGivenToTest(holder.parent)
  return isOptions || isPattern ? word : ''
}

const checkSkips = (repository: Repository): string[] =>
  ofTests(repository).flatMap((file) => {
    const lines = file.text.split('\n')
    return file.nodes.flatMap((node) => {
      const word = wordOf(node)
      if (SINGLED_OUT.test(word)) return [`${placeOf(file, node)}: \`only\` hides every other test`]
      if (!SKIPPED.test(word)) return []
      const above = lines[lineAt(file.text, node.start) - 2] ?? ''
      if (/^\s*\/\/ (Skipped|Fails): \S/.test(above)) return []
      return [`${placeOf(file, node)}: \`${word}\` needs a line above: // Skipped: <reason>`]
    })
  })

const SLEEP: Ban = {
  // A puppet is a process of its own: it dials again as a replica does, and ends by itself.
  homes: ['test/helpers/until.ts', 'test/helpers/puppet-replica.ts', 'test/helpers/leak.ts'],
  instead: 'no sleeps: await until(...) of test/helpers/until.ts',
}
const MOCK: Ban = { homes: [], instead: 'mock nothing: pass a FakeClock or a double of your own' }

const TEST_POLICY: Policy = {
  globals: { setTimeout: SLEEP, setInterval: SLEEP },
  members: {
    globalThis: { setTimeout: SLEEP, setInterval: SLEEP },
    // `waitAsync` without a time limit is a hand-shake.
    Atomics: { wait: SLEEP },
  },
  modules: {
    'node:timers': SLEEP,
    'node:timers/promises': SLEEP,
    vitest: { ...MOCK, names: ['vi', 'vitest'] },
  },
}

/** Running the `sleep` of the shell and waiting for it. */
const isShellSleep = (node: SyntaxNode): boolean =>
  node.type === 'CallExpression' &&
  /(^|\.)(exec|execFile|spawn)Sync$/.test(calleeOf(node)) &&
  children(node, 'arguments')
    .flatMap((argument) => [argument, ...children(argument, 'elements')])
    .some((argument) => /\bsleep\b/.test(textOf(argument) ?? ''))

const checkSleeps = (repository: Repository): string[] =>
  ofTests(repository).flatMap((file) => [
    ...breaches(file, TEST_POLICY),
    ...file.nodes
      .filter(isShellSleep)
      .map((node) => `${placeOf(file, node)}: no \`sleep\`: ${SLEEP.instead}`),
  ])

const checkRuns = (repository: Repository): string[] =>
  ofTests(repository).flatMap((file) =>
    file.nodes
      .filter((node) => node.type === 'Property' && keyOf(child(node, 'key')) === 'numRuns')
      .filter((node) => calleeOf(child(node, 'value')) !== 'propertyRuns')
      .map(
        (node) =>
          `${placeOf(file, node)}: write numRuns: propertyRuns(...) of test/helpers/seeds.ts`,
      ),
  )

/** Whether a value is a property that gives a promise, here or where its name is declared. */
const isAsyncProperty = (file: CodeFile, node: SyntaxNode | undefined): boolean => {
  if (node?.type === 'CallExpression') {
    const callee = child(node, 'callee')
    // `fc.asyncProperty(...).beforeEach(...)` is still one.
    const inner = callee?.type === 'MemberExpression' ? child(callee, 'object') : undefined
    return /(^|\.)asyncProperty$/.test(dottedName(callee)) || isAsyncProperty(file, inner)
  }
  const name = dottedName(node)
  return file.nodes.some(
    (one) =>
      one.type === 'VariableDeclarator' &&
      dottedName(child(one, 'id')) === name &&
      isAsyncProperty(file, child(one, 'init')),
  )
}

/** Biome's noFloatingPromises cannot tell: `fc.assert` gives a promise for some arguments only. */
const checkAwaited = (repository: Repository): string[] =>
  ofTests(repository).flatMap((file) =>
    file.nodes
      .filter(
        (node) => node.type === 'CallExpression' && node.parent?.type === 'ExpressionStatement',
      )
      .filter((node) => /(^|\.)assert$/.test(calleeOf(node)))
      .filter((node) => isAsyncProperty(file, children(node, 'arguments')[0]))
      .map((node) => `${placeOf(file, node)}: await it, or the property fails unseen`),
  )

const TEST_FILE = /^test\/.*\.(test|soak)\.ts$/

const checkSteps = ({ files }: Repository): readonly string[] =>
  misfits(files.map(({ path }) => path).filter((path) => TEST_FILE.test(path)))

/** The same complaint about a test and about a helper. */
const inBoth = (text: string, says: string): readonly BadCase[] => [
  bad('test/unit/a.test.ts', text, says),
  bad('test/helpers/suites/a.ts', text, says),
]

export const TEST_RULES: readonly TidyRule[] = [
  {
    title: 'no test is singled out or skipped in silence',
    check: checkSkips,
    bad: [
      bad('test/unit/a.test.ts', `test.only('a', () => {})`, '`only` hides'),
      ...inBoth(`test.concurrent.only('a', () => {})`, '`only` hides'),
      ...inBoth(`test('a', { only: true }, () => {})`, '`only` hides'),
      ...inBoth(`test.skip('a', () => {})`, '`skip` needs a line above'),
      ...inBoth(`describe.concurrent.skipIf(true)('a', () => {})`, '`skipIf` needs'),
      ...inBoth(`test('a', { skip: true }, () => {})`, '`skip` needs'),
      ...inBoth(`test.each([1])('a', { todo: true }, () => {})`, '`todo` needs'),
      ...inBoth(`test('a', ({ skip }) => skip())`, '`skip` needs'),
      ...inBoth(`test('a', (context) => context.skip())`, '`skip` needs'),
    ],
    good: [
      {
        'test/unit/a.test.ts': `// Skipped: there is no /proc
          test.skip('a', () => {})
          const skip = { skip: true, only: [1] }
          test('b', (context) => reader.skip(context.task, ({ skip }) => skip))
          test('c', () => reader!.skip())`,
      },
    ],
  },
  {
    title: 'tests do not sleep and mock nothing',
    check: checkSleeps,
    bad: [
      bad(
        'test/unit/a.test.ts',
        'await new Promise((done) => setTimeout(done, 100))',
        'no `setTimeout` here: no sleeps',
      ),
      ...inBoth('const later = setTimeout', 'no sleeps'),
      ...inBoth('globalThis.setTimeout(done, 100)', 'no sleeps'),
      ...inBoth(`import { setTimeout } from 'node:timers/promises'`, 'no sleeps'),
      ...inBoth('Atomics.wait(cells, 0, 0, 1000)', 'no sleeps'),
      ...inBoth(`execSync('sleep 5')`, 'no sleeps'),
      ...inBoth(`child.execFileSync('sleep', ['5'])`, 'no sleeps'),
      ...inBoth(`spawnSync('sh', ['-c', 'sleep 5'])`, 'no sleeps'),
      ...inBoth(`import { test, vi } from 'vitest'`, 'mock nothing'),
      ...inBoth(`import * as vitest from 'vitest'`, 'import single names'),
    ],
    good: [
      {
        'test/unit/a.test.ts': `import { test } from 'vitest'
          spawn('sh', ['-c', 'sleep 600'])`,
      },
    ],
  },
  {
    title: 'properties run as often as the tier says',
    check: checkRuns,
    bad: [
      bad('test/property/a.test.ts', 'fc.assert(p, { numRuns: 7 })', 'write numRuns: propertyRuns'),
      ...inBoth('fc.assert(p, { numRuns: RUNS })', 'write numRuns'),
      ...inBoth('fc.assert(p, { numRuns })', 'write numRuns'),
      ...inBoth('fc.assert(p, { numRuns: 10 * 10 })', 'write numRuns'),
    ],
    good: [{ 'test/property/a.test.ts': 'fc.assert(p, { numRuns: propertyRuns(7) })' }],
  },
  {
    title: 'properties that give promises are awaited',
    check: checkAwaited,
    bad: [
      bad('test/unit/a.test.ts', 'fc.assert(fc.asyncProperty(a, f))', 'await it'),
      ...inBoth('fc.assert(fc.asyncProperty(a, f).beforeEach(g), { seed })', 'await it'),
      ...inBoth('const p = fc.asyncProperty(a, f)\nfc.assert(p)', 'await it'),
    ],
    good: [
      {
        'test/unit/a.test.ts': `await fc.assert(fc.asyncProperty(a, f))
          fc.assert(fc.property(a, f))
          assert(a)
          const run = () => fc.assert(fc.asyncProperty(a, f))`,
      },
    ],
  },
  {
    title: 'every test is run by one step of the tiers',
    check: checkSteps,
    bad: [
      bad('test/misc/a.test.ts', '', 'test/misc/a.test.ts: run by 0 steps'),
      bad('test/full/forgotten.test.ts', '', 'test/full/forgotten.test.ts: run by 0 steps'),
      bad('test/unit/a.soak.ts', '', 'test/unit/a.soak.ts: run by 0 steps'),
      bad('test/tidy.test.ts', '', 'wants test/integration/**/*.test.ts: no such test'),
      bad('test/tidy.test.ts', '', 'wants test/full/promtool.test.ts: no such test'),
    ],
  },
]
