/** Rules for tests themselves. */

import { type CodeFile, child, dottedName, lineAt, type Rule, visit } from './source.ts'

const isTest = ({ path }: { path: string }): boolean => /^test\/.*\.(test|soak)\.ts$/.test(path)

/** `test/unit/server/a.test.ts` (or `a.<aspect>.test.ts`) tests `src/server/a.ts`. */
export const mirrorRule: Rule = (files) => {
  const paths = new Set(files.map(({ path }) => path))
  return [...paths].flatMap((path) => {
    const mirrored = /^test\/unit\/((?:.*\/)?[^/.]+)(?:\.[^/.]+)?\.test\.ts$/.exec(path)?.[1]
    if (mirrored === undefined) return []
    const sources = [`src/${mirrored}.ts`, `${mirrored}.ts`]
    return sources.some((source) => paths.has(source))
      ? []
      : [`${path}: has no source; expected ${sources.join(' or ')}`]
  })
}

/** Nothing is singled out, and nothing is skipped without a reason on the line above. */
export const skipsRule: Rule<CodeFile> = (files) =>
  files.filter(isTest).flatMap(({ path, text, program }) => {
    const problems: string[] = []
    const lines = text.split('\n')
    visit(program, (node) => {
      if (node.type !== 'MemberExpression') return
      const name = dottedName(node)
      const line = lineAt(text, node.start)
      if (/^(test|it|describe|suite)\b.*\.only$/.test(name)) {
        problems.push(`${path}:${line}: \`${name}\` hides every other test`)
      }
      if (!/^(test|it|describe|suite)\b.*\.(skip|skipIf|runIf|todo|fails)$/.test(name)) return
      if (/^\s*\/\/ (Skipped|Fails): \S/.test(lines[line - 2] ?? '')) return
      problems.push(`${path}:${line}: \`${name}\` needs a line above: // Skipped: <reason>`)
    })
    return problems
  })

/** Tests wait for what happened, never for time. */
export const sleepsRule: Rule<CodeFile> = (files) =>
  files.filter(isTest).flatMap(({ path, text, program, imports }) => {
    const problems = imports
      .filter(({ specifier }) => specifier === 'node:timers/promises')
      .map(({ line }) => `${path}:${line}: no sleeps: await until(...) of test/helpers/until.ts`)
    visit(program, (node) => {
      if (node.type !== 'CallExpression' || dottedName(child(node, 'callee')) !== 'setTimeout')
        return
      problems.push(
        `${path}:${lineAt(text, node.start)}: no sleeps: await until(...) of test/helpers/until.ts`,
      )
    })
    return problems
  })

/** The number of runs of a property depends on the tier. */
export const runsRule: Rule<CodeFile> = (files) =>
  files.filter(isTest).flatMap(({ path, text, program }) => {
    const problems: string[] = []
    visit(program, (node) => {
      if (node.type !== 'Property' || dottedName(child(node, 'key')) !== 'numRuns') return
      if (child(node, 'value')?.type !== 'Literal') return
      const line = lineAt(text, node.start)
      problems.push(`${path}:${line}: write numRuns: propertyRuns(...) of test/helpers/seeds.ts`)
    })
    return problems
  })
