/** `sluice check`: everything that is wrong with config and repository, before anything starts. */

import { type LoadOptions, loadConfig } from '../config/load.ts'
import { repositoryParsers } from '../config/parsers.ts'
import { formatProblem } from '../config/problems.ts'
import { type RepositoryScan, scanRepository } from '../registry/folder.ts'
import { GatewayError } from '../shared/errors.ts'
import { complain, EXIT, paint, print, printJson } from './output.ts'

/** Every fault of a scan as one line. */
export const scanProblems = ({ models, faults }: RepositoryScan): string[] => [
  ...faults.map(({ code, detail }) => `${code}  ${detail}`),
  ...models.flatMap(({ name, faults: own, versions }) => [
    ...own.map(({ code, detail }) => `${name}  ${code}  ${detail}`),
    ...versions.flatMap(({ version, fault }) =>
      fault === null ? [] : [`${name}/${version}  ${fault.code}  ${fault.detail}`],
    ),
  ]),
]

const repositoryProblems = (root: string): { problems: string[]; versions: number } => {
  try {
    const scan = scanRepository(root, repositoryParsers)
    const versions = scan.models.reduce((sum, model) => sum + model.versions.length, 0)
    return { problems: scanProblems(scan), versions }
  } catch (thrown) {
    const { code, message } = GatewayError.from(thrown)
    return { problems: [`${code}  ${message}`], versions: 0 }
  }
}

export const check = (options: LoadOptions & { json?: boolean }): number => {
  const loaded = loadConfig(options)
  const config = 'problems' in loaded ? loaded.problems.map(formatProblem) : []
  const repository =
    'problems' in loaded
      ? { problems: [], versions: 0 }
      : repositoryProblems(loaded.config.modelRepository)
  const problems = [...config, ...repository.problems]
  if (options.json) printJson({ ok: problems.length === 0, problems })
  else if (problems.length === 0) {
    print(`${paint('green', '✔')} config is valid, ${repository.versions} versions found`)
  } else for (const problem of problems) complain(`${paint('red', '✖', process.stderr)} ${problem}`)
  return problems.length === 0 ? EXIT.OK : EXIT.INVALID
}
