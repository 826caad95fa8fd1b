/** Runs the Python programs of `test/conformance/clients`, which call a gateway as others do. */

import { execFileSync, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { provision, toolPython } from '../../scripts/tier/provision.ts'
import type { PythonTool } from '../../scripts/tier/steps.ts'
import { atEnd } from './clean-up.ts'
import type { CaseResult } from './expected-failures.ts'

const CLIENTS = fileURLToPath(new URL('../conformance/clients/', import.meta.url))

/** What a program can do, from its first line. */
export interface Announcement {
  /** Version of the client's package. */
  readonly version: string
  readonly cases: readonly string[]
}

/** Nothing is written beside the sources, and no proxy of the environment is asked. */
const environment = (): NodeJS.ProcessEnv => ({
  ...process.env,
  PYTHONDONTWRITEBYTECODE: '1',
  PYTHONUNBUFFERED: '1',
  NO_PROXY: '*',
})

/** The cases of a client over HTTP, or those of its other half over gRPC. */
export interface ClientProgram {
  readonly client: PythonTool
  readonly isGrpc: boolean
}

const commandOf = (
  { client, isGrpc }: ClientProgram,
  argument: string,
): readonly [string, string[]] => [
  toolPython(client),
  [join(CLIENTS, 'run.py'), isGrpc ? `${client}-grpc` : client, argument],
]

/** Installs the client where it is missing; throws where that fails. Lists its cases. */
export const announce = (of: ClientProgram): Announcement => {
  const reason = provision(of.client, process.env)
  if (reason !== null) throw new Error(reason)
  const [program, args] = commandOf(of, '--list')
  const text = execFileSync(program, args, { env: environment(), encoding: 'utf8' })
  return JSON.parse(text) as Announcement
}

/** Runs a program that may import a client; gives what it printed, and throws where it fails. */
export const runPython = (client: PythonTool, program: string): string =>
  execFileSync(toolPython(client), ['-c', program], { env: environment(), encoding: 'utf8' })

export interface ProgramEnd {
  readonly results: readonly CaseResult[]
  readonly exitCode: number | null
  /** What it wrote to stderr. */
  readonly stderr: string
}

/** Runs every case against `host:port`. A program that hangs ends with the test. */
export const runClient = async (of: ClientProgram, address: string): Promise<ProgramEnd> => {
  const [program, args] = commandOf(of, address)
  const child = spawn(program, args, {
    env: environment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  atEnd(() => {
    child.kill('SIGKILL')
  })
  const chunks: Buffer[] = []
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk))
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  const results: CaseResult[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    // Clients print for themselves, too.
    if (line.startsWith('{"case":')) results.push(JSON.parse(line) as CaseResult)
  }
  return { results, exitCode: await ended, stderr: Buffer.concat(chunks).toString() }
}
