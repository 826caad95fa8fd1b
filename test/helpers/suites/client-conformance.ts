/** What a client that others wrote makes of a gateway, with either HTTP engine and over gRPC. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, test } from 'vitest'
import { countsLine } from '../../../scripts/tier/client-counts.ts'
import type { PythonTool } from '../../../scripts/tier/steps.ts'
import { announce, type ProgramEnd, runClient } from '../client-program.ts'
import {
  type Engine,
  type ExpectedFailure,
  expectedOf,
  judgeCases,
  type Verdict,
} from '../expected-failures.ts'
import { startGateway } from '../gateway.ts'
import { makeTempDir } from '../temp-dir.ts'

const LIST = fileURLToPath(new URL('../../conformance/expected-failures.json', import.meta.url))
const EXPECTED = JSON.parse(readFileSync(LIST, 'utf8')) as readonly ExpectedFailure[]

/** Every version of the repository has a proving run, one after the other. */
const READY_MS_MAX = 120_000

/** The gateway's start, and the longest that a program gives itself (280 s), twice over. */
const PROGRAM_MS_MAX = 600_000

interface Places {
  readonly repository: string
  /** All engines use one, one after the other: what was proved is not proved again. */
  readonly stateDir: string
}

interface Run extends ProgramEnd {
  /** Replicas before and after: the same, unless one has died. */
  readonly replicas: readonly [before: object, after: object]
  /** How the gateway ended when it was told to. */
  readonly gatewayExitCode: number | null
}

const runAgainst = async (client: PythonTool, engine: Engine, places: Places): Promise<Run> => {
  const isGrpc = engine === 'grpc'
  const flags = isGrpc ? [] : ['--http', engine]
  const gateway = await startGateway({
    ...{ ...places, flags, readyTimeoutMs: READY_MS_MAX },
    hasRecords: client === 'schemathesis', // else feedback is neither described nor taken
  })
  const before = Object.fromEntries(await gateway.replicaPids())
  const port = isGrpc ? gateway.grpcPort : gateway.httpPort
  const end = await runClient({ client, isGrpc }, `127.0.0.1:${port}`)
  const after = Object.fromEntries(await gateway.replicaPids())
  const { code } = await gateway.stop()
  return { ...end, replicas: [before, after], gatewayExitCode: code }
}

/**
 * Declares a test for each case of a client and engine. The gateway and the program run once for
 * an engine, before its tests.
 */
export const clientConformanceSuite = (
  client: PythonTool,
  repository: string,
  engines: readonly Engine[] = ['uws', 'node'],
): void => {
  const places: Places = {
    repository,
    stateDir: join(makeTempDir('clients'), 'state'),
  }
  for (const engine of engines) {
    const { version, cases } = announce({ client, isGrpc: engine === 'grpc' })
    describe(`${client} ${version}, ${engine}`, () => {
      const expected = expectedOf(EXPECTED, client, engine)
      let run: Run
      let verdicts: ReadonlyMap<string, Verdict>

      beforeAll(async () => {
        run = await runAgainst(client, engine, places)
        const judged = judgeCases(cases, run.results, expected)
        verdicts = new Map(judged.map((verdict) => [verdict.case, verdict]))
        const count = (outcome: Verdict['outcome']) =>
          judged.filter((verdict) => verdict.outcome === outcome).length
        const [passed, expectedFailures] = [count('passed'), count('expected failure')]
        const line = countsLine({ client, version, engine, passed, expectedFailures })
        process.stdout.write(`${line}\n`)
      }, PROGRAM_MS_MAX)

      test.each([...new Set([...cases, ...expected.keys()])])('%s', (name) => {
        expect(verdicts.get(name)?.problem).toBe('')
      })

      test('every case that came was announced, and the program ended well', () => {
        expect([...verdicts.keys()].filter((name) => !cases.includes(name))).toEqual([])
        expect({ exitCode: run.exitCode, stderr: run.stderr }).toMatchObject({ exitCode: 0 })
      })

      test('no replica died of it, and the gateway ends when it is told to', () => {
        expect(run.replicas[1]).toEqual(run.replicas[0])
        expect(run.gatewayExitCode).toBe(0)
      })
    })
  }
}
