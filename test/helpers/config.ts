/** sluice.yaml as a test writes it, loaded. */

import type { ConfigProblem } from '../../src/config/config.ts'
import { type LoadOptions, type LoadResult, loadConfig } from '../../src/config/load.ts'
import { formatProblem } from '../../src/config/problems.ts'
import { makeTree } from './tree.ts'

type Rest = Partial<Pick<LoadOptions, 'flags' | 'env' | 'cores' | 'memoryBytes'>>

/** The one key without a default. */
export const REPOSITORY = 'model_repository: models\n'

const load = (content: string | Uint8Array, rest: Rest): { cwd: string; result: LoadResult } => {
  const cwd = makeTree({ 'sluice.yaml': content })
  return { cwd, result: loadConfig({ flags: {}, env: {}, cwd, ...rest }) }
}

/** What is wrong with a file, variables and flags; empty when nothing is. */
export const configProblems = (
  content: string | Uint8Array,
  rest: Rest = {},
): readonly ConfigProblem[] => {
  const { result } = load(content, rest)
  return 'problems' in result ? result.problems : []
}

/** The config; fails the test when there is something wrong with it. */
export const loadedConfig = (content: string, rest: Rest = {}) => {
  const { cwd, result } = load(content, rest)
  if ('problems' in result) throw new Error(result.problems.map(formatProblem).join('\n'))
  return { cwd, ...result }
}
