/**
 * The habits of this code base as tests. Every rule is a pure function in `test/tidy/`; each runs
 * on the tree, and each is fed one bad snippet, because a check that cannot fail is no check.
 */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ERROR_CODES, RETIRED_CODES } from '../src/shared/errors.ts'
import {
  dependenciesRule,
  errorCodesRule,
  linksRule,
  lockRule,
  machinePathsRule,
  titlesRule,
} from './tidy/documents.ts'
import { committedUnder, differences, generateProto } from './tidy/generated.ts'
import { arrowsRule, closureRule, cyclesRule, homesRule, reachableRule } from './tidy/imports.ts'
import {
  bannedRule,
  columnsRule,
  fileSizeRule,
  functionSizeRule,
  marksRule,
  namesRule,
  syntaxRule,
} from './tidy/shape.ts'
import {
  type CodeFile,
  REPOSITORY_ROOT,
  type Rule,
  readTextFiles,
  type SourceFile,
  toCode,
} from './tidy/source.ts'
import { mirrorRule, runsRule, skipsRule, sleepsRule } from './tidy/tests.ts'

const FILES = readTextFiles()
const CODE = FILES.filter(
  ({ path }) => path.endsWith('.ts') && /^(src|test|bench|scripts|proto)\/|^[^/]+\.ts$/.test(path),
).map(({ path, text }) => toCode(path, text))

const file = (path: string, text: string): SourceFile => ({ path, text })

/** A rule that holds for the tree and complains about each bad example. */
const codeRule = (
  name: string,
  rule: Rule<CodeFile>,
  bad: readonly (readonly CodeFile[])[],
): void => {
  test(`${name}: the tree`, () => expect(rule(CODE).join('\n')).toBe(''))
  for (const [index, files] of bad.entries()) {
    test(`${name}: complains about bad example ${index + 1}`, () =>
      expect(rule(files)).not.toEqual([]))
  }
}

const textRule = (name: string, rule: Rule, bad: readonly (readonly SourceFile[])[]): void => {
  test(`${name}: the tree`, () => expect(rule(FILES).join('\n')).toBe(''))
  for (const [index, files] of bad.entries()) {
    test(`${name}: complains about bad example ${index + 1}`, () =>
      expect(rule(files)).not.toEqual([]))
  }
}

codeRule('folders import only what the table allows', arrowsRule, [
  [toCode('src/shared/a.ts', `import { b } from '../config/b.ts'`)],
  [toCode('src/runtime/a.ts', `import { b } from '../config/b.ts'`)],
  [toCode('src/runtime/a.ts', `import type { b } from '../routing/b.ts'`)],
  [toCode('src/control/a.ts', `import { b } from '../runtime/session.ts'`)],
  [toCode('src/misplaced/a.ts', `export const a = 1`)],
])

codeRule('packages are imported only in their homes', homesRule, [
  [toCode('src/server/a.ts', `import { z } from 'zod'`)],
  [toCode('src/server/a.ts', `const ort = require('onnxruntime-node/dist/binding.js')`)],
  [toCode('src/server/a.ts', `await import('left-pad')`)],
])

codeRule('control has no native part, hot threads stay small', closureRule, [
  [
    toCode('src/cli/serve.ts', `import { a } from '../runtime/a.ts'`),
    toCode('src/runtime/a.ts', `import { b } from './session.ts'`),
    toCode('src/runtime/session.ts', `export const b = 1`),
  ],
  [toCode('src/control/a.ts', `const ort = await import('onnxruntime-node')`)],
  [
    toCode('src/server/data-thread.ts', `import { type A } from '../config/a.ts'`),
    toCode('src/config/a.ts', `import { z } from 'zod'`),
  ],
])

codeRule('no import cycles', cyclesRule, [
  [
    toCode('src/server/a.ts', `import { b } from './b.ts'`),
    toCode('src/server/b.ts', `import { a } from './a.ts'`),
  ],
])

codeRule('every file is reached from an entry', reachableRule, [
  [toCode('src/main.ts', `import './cli/a.ts'`), toCode('src/cli/b.ts', `export const b = 1`)],
])

codeRule('files have at most 300 lines', fileSizeRule, [
  [toCode('src/server/a.ts', 'export const a = 1\n'.repeat(1) + '// line\n'.repeat(300))],
])

codeRule('functions have at most 70 lines', functionSizeRule, [
  [toCode('src/server/a.ts', `const a = () => {\n${'  a()\n'.repeat(69)}}`)],
])

codeRule('lines have at most 100 columns', columnsRule, [
  [toCode('src/server/a.ts', `// ${'x '.repeat(50)}`)],
])

codeRule('calls with one home stay there', bannedRule, [
  [toCode('src/server/a.ts', 'Date.now()')],
  [toCode('src/server/a.ts', 'const clock = { now: performance.now }')],
  [toCode('src/server/a.ts', 'setTimeout(() => {}, 1)')],
  [toCode('src/server/a.ts', 'setInterval(() => {}, 1)')],
  [toCode('src/server/a.ts', 'new Date()')],
  [toCode('src/server/a.ts', 'Math.random()')],
  [toCode('src/server/a.ts', `new Worker('x')`)],
  [toCode('src/server/a.ts', `process.env['HOME']`)],
  [toCode('src/server/a.ts', `console.log('x')`)],
])

codeRule('no enums, default exports or barrels', syntaxRule, [
  [toCode('src/server/a.ts', 'export enum A { B }')],
  [toCode('src/server/a.ts', 'export default 1')],
  [toCode('src/server/a.ts', `export * from './b.ts'`)],
  [toCode('src/server/a.ts', `export { b } from './b.ts'`)],
])

textRule('files of src are named by the vocabulary', namesRule, [
  [file('src/server/request-utils.ts', '')],
  [file('src/helpers/a.ts', '')],
  [file('src/server/dataThread.ts', '')],
])

textRule('no marks of unfinished work', marksRule, [
  [file('src/server/a.ts', `// ${'TO'}${'DO'}: later`)],
])

textRule('every unit test has its source', mirrorRule, [
  [file('test/unit/server/gone.test.ts', ''), file('src/server/here.ts', '')],
])

codeRule('no test is singled out or skipped in silence', skipsRule, [
  [toCode('test/unit/a.test.ts', `test.only('a', () => {})`)],
  [toCode('test/unit/a.test.ts', `test.skip('a', () => {})`)],
  [toCode('test/unit/a.test.ts', `describe.concurrent.skipIf(true)('a', () => {})`)],
])

codeRule('tests do not sleep', sleepsRule, [
  [toCode('test/unit/a.test.ts', `await new Promise((done) => setTimeout(done, 100))`)],
  [toCode('test/unit/a.test.ts', `import { setTimeout } from 'node:timers/promises'`)],
])

codeRule('properties run as often as the tier says', runsRule, [
  [toCode('test/property/a.test.ts', 'fc.assert(p, { numRuns: 7 })')],
])

textRule('every page has one title', titlesRule, [
  [file('docs/a.md', 'no title')],
  [file('docs/a.md', '# One\n\n# Two')],
])

textRule('no dead relative link', linksRule, [
  [file('docs/a.md', '# A\n[gone](gone.md)')],
  [file('docs/a.md', '# A\n[no such heading](#gone)')],
])

textRule('no path of one machine', machinePathsRule, [
  [file('docs/a.md', `# A\nrun ${['', 'root', 'bin', 'x'].join('/')}`)],
])

textRule('the lock file names no registry', lockRule, [
  [file('package-lock.json', `{ "resolved": "https://registry.npmjs.org/a" }`)],
])

textRule('every direct dependency has its reason', dependenciesRule, [
  [file('package.json', `{ "dependencies": { "left-pad": "1.0.0" } }`)],
  [file('package.json', '{}'), file('docs/dependencies.md', '| `left-pad` | gone |')],
])

test('every error code is used: the tree', () => {
  expect(errorCodesRule(ERROR_CODES, FILES).join('\n')).toBe('')
})

test('every error code is used: complains about one that is not', () => {
  expect(errorCodesRule(['NEVER_SEEN'], [file('src/server/a.ts', '')])).not.toEqual([])
})

test('retired error codes are not used again: the tree', () => {
  expect(RETIRED_CODES.filter((code) => ERROR_CODES.some((used) => used === code))).toEqual([])
})

test('generated pages equal their generator: the tree', async () => {
  const generator = join(REPOSITORY_ROOT, 'scripts', 'generate-docs.ts')
  expect(existsSync(generator)).toBe(true)
  const { renderReference } = await import(generator)
  const pages = new Map<string, string>(Object.entries(await renderReference()))
  expect(differences(committedUnder('docs/reference/'), pages, 'npm run docs').join('\n')).toBe('')
})

test('generated wire code equals its generator: the tree', () => {
  const problems = differences(committedUnder('proto/gen/'), generateProto(), 'npm run proto')
  expect(problems.join('\n')).toBe('')
})

test('generated files: complains about a change, a stale file and a missing one', () => {
  const problems = differences(
    [file('gen/a.ts', 'old'), file('gen/stale.ts', '')],
    new Map([
      ['gen/a.ts', 'new'],
      ['gen/b.ts', ''],
    ]),
    'npm run x',
  )
  expect(problems).toHaveLength(3)
})
