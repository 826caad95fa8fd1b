/**
 * What is wrong with a model repository, found as `sluice serve` would find it: scanned, every
 * version that would be loaded proved, the plan made. In a state folder that is thrown away.
 */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { isAbsolute, join, relative } from 'node:path'
import type { ConfigProblem, SluiceConfig } from '../config/config.ts'
import { jsonPlaces } from '../config/json-text.ts'
import { repositoryParsers } from '../config/parsers.ts'
import { notesOn } from '../control/api/model-status.ts'
import { Catalog, type CatalogSources } from '../control/planning/catalog.ts'
import type { CatalogVersion } from '../control/planning/catalog-version.ts'
import { Placements } from '../control/planning/placements.ts'
import { makePlan } from '../control/planning/planner.ts'
import { nameFaults } from '../control/planning/record-rules.ts'
import type { RuleFault } from '../control/planning/ruled-endpoint.ts'
import { Prover } from '../control/proving/prover.ts'
import { provingSubject } from '../control/proving/proving-subject.ts'
import { type RepositoryFault, type RepositoryScan, scanRepository } from '../registry/folder.ts'
import { systemClock } from '../shared/clock.ts'
import { ERRORS, type ErrorCode, GatewayError } from '../shared/errors.ts'
import { createLogger } from '../shared/logger.ts'
import { nearest } from '../shared/nearest.ts'
import { packageVersion } from '../shared/package-version.ts'
import { ruleProblems } from './check-records.ts'
import { placementHost, provingLimits } from './proving-limits.ts'

/** A problem with the code under which Sluice knows it. */
export interface CheckProblem extends ConfigProblem {
  readonly code: ErrorCode
}

export interface RepositoryReport {
  readonly problems: readonly CheckProblem[]
  readonly warnings: readonly CheckProblem[]
  readonly models: number
  readonly versions: number
  /** Versions that were opened, run and found sound. */
  readonly proved: number
}

export interface CheckRepositoryOptions {
  readonly config: SluiceConfig
  readonly locate: (path: readonly string[]) => Pick<ConfigProblem, 'source' | 'line' | 'column'>
  readonly cwd: string
  readonly isProving: boolean
  /** Ends proving runs under way. */
  readonly signal: AbortSignal
  onProve(version: string): void
}

/** A path as its reader would type it: relative where that does not lead upwards. */
const shown = (cwd: string, path: string): string => {
  const way = relative(cwd, path)
  return way === '' || way.startsWith('..') || isAbsolute(way) ? path : way
}

const readText = (file: string): string | null => {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return null
  }
}

/** Problems with the files of a repository, with places where there are any. */
class Places {
  readonly #root: string
  readonly #cwd: string

  constructor({ config, cwd }: CheckRepositoryOptions) {
    this.#root = config.modelRepository
    this.#cwd = cwd
  }

  /** One problem, or as many as the file has. Of a warning nothing has to be done. */
  of(fault: RepositoryFault): CheckProblem[] {
    const { code, detail, file = '.', path = [], problems, isWarning } = fault
    const name = join(this.#root, file)
    const source = shown(this.#cwd, name)
    if (problems !== undefined) return problems.map((each) => ({ ...each, code, source }))
    const text = path.length > 0 ? readText(name) : null
    const place = text === null ? { line: 0, column: 0 } : jsonPlaces(text, [path])(path)
    const hint = isWarning ? null : ERRORS[code].hint
    return [{ code, source, ...place, path: path.join('.'), message: detail, hint }]
  }
}

/** The file that a failed proving run complains about. */
const fileOf = (code: ErrorCode): Pick<RepositoryFault, 'file' | 'path'> => {
  if (code === 'DIGEST_MISMATCH') return { file: 'manifest.json', path: ['digest'] }
  if (code === 'MANIFEST_INVALID') return { file: 'manifest.json' }
  // Its settings, which lie beside its versions.
  if (code === 'PROVIDER_UNAVAILABLE' || code === 'WARMUP_FAILED') return { file: '..' }
  return { file: code === 'BINDING_FAILED' ? '.' : 'model.onnx' }
}

const inVersion = (model: string, version: number, code: ErrorCode, detail: string) => {
  const { file = '.', ...rest } = fileOf(code)
  return { code, detail, file: join(model, String(version), file), ...rest }
}

const scanFaults = ({ models, faults }: RepositoryScan): RepositoryFault[] => [
  ...faults,
  ...models.flatMap((model) => [
    ...model.faults,
    // A version of a model whose settings are broken has the fault of the model.
    ...model.versions.flatMap(({ fault }) =>
      fault === null || model.faults.includes(fault) ? [] : [fault],
    ),
  ]),
]

/** Proves what would be loaded; resolves with the catalog when every result is there. */
const proveAll = async (
  scan: RepositoryScan,
  options: CheckRepositoryOptions,
  folder: string,
): Promise<Catalog> => {
  const logger = createLogger({ level: 'silent', component: 'check' })
  const prover = new Prover({
    provenPath: join(folder, 'proven'),
    provingPath: join(folder, 'proving'),
    limits: provingLimits(options.config),
    ortVersion: packageVersion('onnxruntime-node'),
    clock: systemClock,
    logger,
    isServing: () => false,
  })
  options.signal.addEventListener('abort', () => prover.close())
  const prove: CatalogSources['prove'] = (model, scanned) => {
    options.onProve(`${model.name}/${scanned.version}`)
    return prover.prove(provingSubject(model, scanned))
  }
  const { place } = new Placements(placementHost(options.config), logger)
  return new Promise((resolve) => {
    const onResult = () => {
      if (!catalog.isProving) resolve(catalog)
    }
    const catalog = new Catalog({
      ...{ prove, place, onResult, present: () => null, isWanted: () => true },
      retries: () => ({ max: 0, firstMs: 0 }),
      monotonic: systemClock.monotonic,
    })
    catalog.take(scan, new Map())
    onResult()
  })
}

const defaultEndpointProblem = (
  { config, locate }: CheckRepositoryOptions,
  names: readonly string[],
): CheckProblem[] => {
  const { defaultEndpoint } = config
  if (defaultEndpoint === null || names.includes(defaultEndpoint)) return []
  const near = nearest(defaultEndpoint, names)
  const wanted = names.length === 0 ? 'there is none' : `wanted ${names.join(', ')}`
  return [
    {
      code: 'CONFIG_INVALID',
      ...locate(['default_endpoint']),
      path: 'default_endpoint',
      message: `'${defaultEndpoint}' is no endpoint; ${wanted}`,
      hint: near === null ? null : `did you mean '${near}'?`,
    },
  ]
}

const recordProblems = (
  { locate }: CheckRepositoryOptions,
  names: readonly string[],
  unfit: readonly RuleFault[],
): CheckProblem[] =>
  ruleProblems(locate, unfit, names).map((problem) => ({ ...problem, code: 'CONFIG_INVALID' }))

const scanFailure = (thrown: unknown, options: CheckRepositoryOptions): RepositoryReport => {
  const { code, message } = GatewayError.from(thrown)
  const { hint } = ERRORS[code]
  const place = options.locate(['model_repository'])
  const problem = { code, ...place, path: 'model_repository', message, hint }
  return { problems: [problem], warnings: [], models: 0, versions: 0, proved: 0 }
}

const failuresOf = (catalog: Catalog): RepositoryFault[] => {
  const entries = [...catalog.models.values()].flatMap(({ scanned, versions }) =>
    [...versions.values()].map((entry) => [scanned.name, entry] as const),
  )
  const isOfProving = ({ failure, scanned }: CatalogVersion) =>
    failure !== null && failure !== scanned.fault
  return entries
    .filter(([, entry]) => isOfProving(entry))
    .map(([name, { scanned, failure }]) =>
      failure?.file === undefined
        ? inVersion(name, scanned.version, failure!.code, failure!.detail)
        : failure,
    )
}

const versionWarnings = (catalog: Catalog): RepositoryFault[] =>
  [...catalog.models].flatMap(([name, { scanned, versions }]) =>
    [...versions].flatMap(([version, entry]) => {
      const { sound, warnings } = entry
      const notes = (sound === null ? [] : notesOn(scanned, entry, sound)).map((detail) => ({
        ...{ detail, file: join(name, String(version)) },
      }))
      const declared = { detail: '', file: join(name, 'config.pbtxt'), problems: warnings }
      return [...notes, declared].map(
        (each): RepositoryFault => ({ ...each, code: 'MODEL_CONFIG_INVALID', isWarning: true }),
      )
    }),
  )

const scratchFolder = (): string => {
  try {
    return mkdtempSync(join(tmpdir(), 'sluice-check-'))
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException
    const detail = `The models are opened in ${tmpdir()}, which cannot be written (${code}): set TMPDIR`
    throw new GatewayError('STATE_UNWRITABLE', detail, { cause: thrown })
  }
}

/**
 * Scans, proves and plans: what goes wrong is a problem.
 *
 * @throws GatewayError STATE_UNWRITABLE when there is no room to work in
 */
export const checkRepository = async (
  options: CheckRepositoryOptions,
): Promise<RepositoryReport> => {
  let scan: RepositoryScan
  try {
    scan = scanRepository(options.config.modelRepository, repositoryParsers)
  } catch (thrown) {
    return scanFailure(thrown, options)
  }
  const faults = scanFaults(scan)
  const names = scan.models.map(({ name }) => name)
  const { policies } = options.config.records
  const unfit: RuleFault[] = options.isProving ? [] : nameFaults(policies, names)
  let proved = 0
  if (options.isProving) {
    const folder = scratchFolder()
    try {
      const catalog = await proveAll(scan, options, folder)
      const { models } = catalog
      const inputs = { models, defaultEndpoint: null, previous: [], records: policies }
      const plan = makePlan(inputs)
      unfit.push(...plan.unfit)
      const unbound = plan.unbound.map(({ model, version, code, detail }) =>
        inVersion(model, version, code, detail),
      )
      faults.push(...failuresOf(catalog), ...unbound, ...versionWarnings(catalog))
      proved = plan.body.versions.length
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }
  const places = new Places(options)
  const isWarning = (fault: RepositoryFault) => fault.isWarning === true
  return {
    problems: [
      ...defaultEndpointProblem(options, names),
      ...recordProblems(options, names, unfit),
      ...faults.filter((fault) => !isWarning(fault)).flatMap((fault) => places.of(fault)),
    ],
    warnings: faults.filter(isWarning).flatMap((fault) => places.of(fault)),
    models: names.length,
    versions: scan.models.reduce((sum, { versions }) => sum + versions.length, 0),
    proved,
  }
}
