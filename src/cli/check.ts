/** `sluice check`: everything that is wrong with config and repository, before anything starts. */

import type { ConfigProblem } from '../config/config.ts'
import { type LoadOptions, loadConfig } from '../config/load.ts'
import { formatProblem, inOrder } from '../config/problems.ts'
import { pathProblems } from './check-records.ts'
import { type CheckProblem, checkRepository, type RepositoryReport } from './check-repository.ts'
import { complain, EXIT, many, paint, plain, print, printJson } from './output.ts'

export interface CheckOptions extends LoadOptions {
  readonly isJson: boolean
  /** Whether models are opened and run, as they would be at start. */
  readonly isProving: boolean
}

const NOTHING: RepositoryReport = { problems: [], warnings: [], models: 0, versions: 0, proved: 0 }

const isFile = (source: string): boolean => !/^(--|SLUICE_|OTEL_)/.test(source)

/** Problems for programs: `file` is null for flags and variables, the place where there is none. */
const asJson = ({ code, source, line, column, path, message, hint }: CheckProblem) => ({
  code,
  source,
  file: isFile(source) ? source : null,
  line: line === 0 ? null : line,
  column: column === 0 ? null : column,
  path,
  message,
  hint,
})

const summary = ({ models, versions, proved }: RepositoryReport, isProving: boolean): string => {
  const found = `${many(models, 'model')}, ${many(versions, 'version')}`
  return isProving ? `${found}, ${proved} proved` : `${found}, not opened`
}

const printReport = (report: RepositoryReport, isProving: boolean): void => {
  const { problems, warnings } = report
  const line = (problem: CheckProblem) => plain(formatProblem(problem))
  for (const problem of problems) print(`${paint('red', '✖')} ${line(problem)}`)
  for (const warning of warnings) print(`${paint('yellow', '⚠')} ${line(warning)}`)
  if (problems.length > 0) complain(many(problems.length, 'problem'))
  else print(`${paint('green', '✔')} nothing is wrong: ${summary(report, isProving)}`)
}

const isOfConfig = ({ code }: CheckProblem): boolean =>
  code === 'CONFIG_INVALID' || code === 'REPOSITORY_UNREADABLE'

const byFile = (a: CheckProblem, b: CheckProblem): number =>
  a.source.localeCompare(b.source, 'en', { numeric: true }) || a.line - b.line

/** Those of the config, then those of the repository file by file. */
const sorted = (problems: readonly CheckProblem[]): CheckProblem[] => [
  ...inOrder(problems.filter(isOfConfig)),
  ...problems.filter((problem) => !isOfConfig(problem)).toSorted(byFile),
]

/** Resolves with the exit code that a signal asks for. */
const interruption = (): Promise<number> =>
  new Promise((resolve) => {
    process.once('SIGINT', () => resolve(EXIT.INTERRUPTED))
    process.once('SIGTERM', () => resolve(EXIT.TERMINATED))
  })

export const check = async (options: CheckOptions): Promise<number> => {
  const { isJson, isProving, cwd } = options
  const loaded = loadConfig(options)
  const usable = 'problems' in loaded ? loaded.rest : loaded
  const ofPath = usable === null ? null : pathProblems(usable.locate, usable.config.records)
  const ofConfig = [...('problems' in loaded ? loaded.problems : []), ...(ofPath?.problems ?? [])]
  const asOfConfig = (problem: ConfigProblem): CheckProblem => ({
    ...problem,
    code: 'CONFIG_INVALID',
  })
  const interrupted = interruption()
  const abort = new AbortController()
  const onProve = (version: string) => {
    if (!isJson) complain(`  proving ${version}`)
  }
  const repository =
    usable === null
      ? NOTHING
      : checkRepository({ ...usable, cwd, isProving, signal: abort.signal, onProve })
  const outcome = await Promise.race([repository, interrupted])
  if (typeof outcome === 'number') {
    abort.abort()
    await repository
    return outcome
  }
  const problems = sorted([...ofConfig.map(asOfConfig), ...outcome.problems])
  const warned = [...(usable?.warnings ?? []), ...(ofPath?.warnings ?? [])]
  const warnings = [...warned.map(asOfConfig), ...outcome.warnings]
  const report = { ...outcome, problems, warnings }
  const isOk = problems.length === 0
  if (isJson) {
    const { models, versions, proved } = report
    const counts = {
      problems: problems.length,
      warnings: warnings.length,
      models,
      versions,
      proved,
    }
    const lists = { problems: problems.map(asJson), warnings: warnings.map(asJson) }
    printJson({ ok: isOk, counts, ...lists })
  } else printReport(report, isProving)
  return isOk ? EXIT.OK : EXIT.INVALID
}
