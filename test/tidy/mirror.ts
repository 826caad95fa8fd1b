/** Unit tests mirror the source, in both directions. */

import { closure, graphOf } from './closure.ts'
import { type BadCase, bad, type TidyRule } from './rule.ts'
import { type CodeFile, child, children, type Repository } from './source.ts'

/**
 * Files of `src` without a unit test of their own, by the test that covers them. The list shrinks;
 * a file joins only where a unit test of its own could say no more, as it puts others together,
 * holds plain data, is one thing with its neighbour, or needs real processes and sockets.
 */
const TESTED_BY: Readonly<Record<string, readonly string[]>> = {
  'test/fault/processes.test.ts': [
    'src/control/gateway.ts',
    'src/control/replica-process.ts',
    'src/control/replica-slot.ts',
  ],
  'test/fault/restart.test.ts': ['src/cli/restart.ts'],
  'test/integration/bad-input.test.ts': ['src/server/pending.ts'],
  'test/integration/cli-check.test.ts': [
    'src/cli/check-repository.ts',
    'src/cli/check.ts',
    'src/cli/program.ts',
    'src/main.ts',
  ],
  'test/integration/cli-verbs.test.ts': [
    'src/config/environment.ts',
    'src/shared/package-version.ts',
  ],
  'test/integration/code-cache.test.ts': ['src/shared/code-cache.ts'],
  'test/integration/gateway-models.test.ts': [
    'src/control/gateway-status.ts',
    'src/server/data-thread.ts',
  ],
  'test/integration/http-engine.test.ts': [
    'src/server/http-node.ts',
    'src/server/http.ts',
    'src/server/node-connection.ts',
    'src/server/uws-answer.ts',
    'src/server/uws-binary.ts',
    'src/server/uws-exchange.ts',
  ],
  'test/integration/port-guard.test.ts': ['src/control/port-guard.ts'],
  'test/integration/prover.test.ts': [
    'src/control/prover.ts',
    'src/control/proving-subject.ts',
    'src/control/proving-process.ts',
    'src/runtime/proving-report.ts',
    'src/runtime/proving.ts',
  ],
  'test/integration/proving-guard.test.ts': [
    'src/runtime/proving-guard-thread.ts',
    'src/shared/threads.ts',
  ],
  'test/integration/replica.test.ts': ['src/server/replica.ts'],
  'test/integration/serve.test.ts': [
    'src/cli/announce.ts',
    'src/cli/serve.ts',
    'src/cli/signals.ts',
  ],
  'test/integration/pooled.test.ts': [
    'src/runtime/compute-thread.ts',
    'src/server/thread-pools.ts',
  ],
  'test/integration/socket-server.test.ts': ['src/control/socket-server.ts'],
  'test/integration/succession.test.ts': [
    'src/control/replica-succession.ts',
    'src/control/rolling-restart.ts',
  ],
  'test/integration/supervisor.test.ts': [
    'src/control/replica-state.ts',
    'src/control/supervisor.ts',
  ],
  'test/property/config.test.ts': [
    'src/config/schemas/file-format.ts',
    'src/config/schemas/manifest.ts',
    'src/config/schemas/profile.ts',
    'src/config/schemas/sections/control.ts',
    'src/config/schemas/sections/cors.ts',
    'src/config/schemas/sections/limits.ts',
    'src/config/schemas/sections/log.ts',
    'src/config/schemas/sections/metrics.ts',
    'src/config/schemas/sections/proving.ts',
    'src/config/schemas/sections/recycle.ts',
    'src/config/schemas/sections/server.ts',
    'src/config/schemas/sections/watchdog.ts',
    'src/config/schemas/setting.ts',
    'src/config/schemas/sluice.ts',
  ],
  'test/property/model-config.test.ts': [
    'src/config/schemas/queueing.ts',
    'src/config/schemas/triton-keys.ts',
    'src/config/schemas/triton-queueing.ts',
    'src/config/schemas/triton-warm-up.ts',
    'src/config/schemas/warm-up.ts',
  ],
  'test/property/features-json.test.ts': [
    'src/server/json/text-scanner.ts',
    'src/server/protocols/body-faults.ts',
    'src/server/protocols/columns.ts',
    'src/server/protocols/element.ts',
    'src/server/protocols/features/features-complete.ts',
    'src/server/protocols/features/features-fast.ts',
    'src/server/protocols/features/features-plan.ts',
    'src/server/protocols/features/features-row.ts',
    'src/server/protocols/instances.ts',
    'src/server/protocols/protocol.ts',
    'src/server/protocols/tensor-rows.ts',
  ],
  'test/property/oip-json.test.ts': [
    'src/server/protocols/oip/oip-complete.ts',
    'src/server/protocols/oip/oip-entries.ts',
    'src/server/protocols/oip/oip-fast.ts',
    'src/server/protocols/oip/oip-inputs.ts',
    'src/server/protocols/oip/oip-request.ts',
  ],
  'test/property/openapi.test.ts': [
    'src/server/openapi/answers.ts',
    'src/server/openapi/features.ts',
    'src/server/openapi/oip.ts',
    'src/server/openapi/tfs.ts',
  ],
  'test/property/pool.test.ts': [
    'src/runtime/compute-loop.ts',
    'src/runtime/pool-host.ts',
    'src/runtime/pool-links.ts',
    'src/runtime/pool-messages.ts',
    'src/runtime/pool-slots.ts',
    'src/runtime/ready-slots.ts',
    'src/runtime/slot-payloads.ts',
    'src/shared/thread-state.ts',
  ],
  'test/property/planning.test.ts': ['src/control/prepare-failures.ts'],
  'test/property/tfs-answers.test.ts': ['src/server/protocols/tfs/tfs-encode.ts'],
  'test/property/tfs-json.test.ts': [
    'src/server/protocols/tfs/tfs-complete.ts',
    'src/server/protocols/tfs/tfs-fast.ts',
  ],
  'test/unit/config/load.values.test.ts': ['src/config/schemas/address.ts'],
  'test/unit/config/parsers.model.test.ts': [
    'src/config/model-defaults.ts',
    'src/config/schemas/model.ts',
  ],
  'test/unit/config/text-format.test.ts': ['src/config/text-format-scanner.ts'],
  'test/unit/config/triton-config.test.ts': [
    'src/config/schemas/triton.ts',
    'src/config/triton-tree.ts',
  ],
  'test/unit/config/triton-session.test.ts': ['src/config/schemas/triton-parameters.ts'],
  'test/unit/control/admin-api.test.ts': ['src/control/admin-openapi.ts'],
  'test/unit/control/forwarded-calls.test.ts': ['src/shared/forwarded-call.ts'],
  'test/unit/control/metrics.test.ts': [
    'src/control/metric-table.ts',
    'src/control/sample.ts',
    'src/shared/version.ts',
  ],
  'test/unit/control/statistics.test.ts': ['src/control/dead-figures.ts'],
  'test/unit/registry/folder.test.ts': ['src/registry/repository-file.ts'],
  'test/unit/runtime/batcher.parts.test.ts': [
    'src/runtime/parts.ts',
    'src/runtime/tensor-copies.ts',
  ],
  'test/unit/runtime/batcher.test.ts': ['src/runtime/batch.ts'],
  'test/unit/runtime/onnx-walker.test.ts': [
    'src/runtime/onnx-limits.ts',
    'src/runtime/onnx-messages.ts',
    'src/runtime/onnx-wire.ts',
  ],
  'test/unit/runtime/pool-memory.test.ts': ['src/runtime/pool-shape.ts'],
  'test/unit/runtime/proving-copy.test.ts': ['src/runtime/proving-task.ts'],
  'test/unit/runtime/self-test.test.ts': ['src/runtime/run-result.ts'],
  'test/unit/server/epochs.test.ts': ['src/server/wire-formats.ts'],
  'test/unit/server/protocols/features/features-json.refusals.test.ts': [
    'src/server/protocols/problem-json.ts',
    'src/server/protocols/reading.ts',
    'src/server/protocols/variant-plan.ts',
  ],
  'test/unit/server/protocols/oip/oip-json.test.ts': [
    'src/server/protocols/answer-json.ts',
    'src/server/protocols/error-json.ts',
    'src/server/protocols/oip/oip-plan.ts',
  ],
  'test/unit/server/openapi/document.test.ts': [
    'src/server/openapi/endpoint-paths.ts',
    'src/server/openapi/operation.ts',
    'src/server/openapi/responses.ts',
    'src/server/openapi/server-paths.ts',
  ],
  'test/unit/server/agent.watch.test.ts': ['src/server/thread-watch.ts'],
  'test/unit/server/routes.test.ts': ['src/server/route.ts'],
  'test/unit/shared/epoch-plan.test.ts': ['src/shared/placement.ts', 'src/shared/queue-policy.ts'],
  'test/unit/shared/problem.test.ts': ['src/shared/errors.ts'],
}

/** The source of `test/unit/server/a.test.ts` and `a.<aspect>.test.ts`: `server/a`. */
const mirroredBy = (path: string): string | undefined =>
  /^test\/unit\/((?:.*\/)?[^/.]+)(?:\.[^/.]+)?\.test\.ts$/.exec(path)?.[1]

const checkSources = ({ files }: Repository): string[] => {
  const paths = new Set(files.map(({ path }) => path))
  return [...paths].flatMap((path) => {
    const mirrored = mirroredBy(path)
    if (mirrored === undefined) return []
    const sources = [`src/${mirrored}.ts`, `${mirrored}.ts`]
    return sources.some((source) => paths.has(source))
      ? []
      : [`${path}: has no source; expected ${sources.join(' or ')}`]
  })
}

/** Whether nothing of a file is left at run time. */
const isTypesOnly = ({ nodes }: CodeFile): boolean =>
  children(nodes[0], 'body').every((statement) => {
    const declared = child(statement, 'declaration') ?? statement
    return /^(ImportDeclaration|TS(Interface|TypeAlias)Declaration)$/.test(declared.type)
  })

/** Tests that start processes: what those import, they reach. */
const STARTS_PROCESSES = /^test\/(integration|fault|full)\//

/** What is wrong with the files of `src`, given those that are tested elsewhere. */
const untested = (
  repository: Repository,
  testedBy: Readonly<Record<string, readonly string[]>>,
): string[] => {
  const { code, files } = repository
  const graph = graphOf(repository)
  const mirrored = new Set(files.map(({ path }) => `src/${mirroredBy(path)}.ts`))
  const sources = code.filter((file) => file.path.startsWith('src/') && !isTypesOnly(file))
  const known = new Set(sources.map(({ path }) => path))
  const rows = Object.entries(testedBy)
  const listed = new Set(rows.flatMap(([, paths]) => paths))
  const faultOf = (path: string, test: string): string | null => {
    if (!known.has(path)) return 'has gone, or holds types only: drop it'
    if (mirrored.has(path)) return 'has a unit test now: drop it'
    if (!graph.has(test)) return `${test} has gone: who tests it?`
    const isReached = STARTS_PROCESSES.test(test) || closure(graph, test).has(path)
    return isReached ? null : `${test} does not reach it: who tests it?`
  }
  return [
    ...[...known]
      .filter((path) => !mirrored.has(path) && !listed.has(path))
      .map((path) => `${path}: write ${path.replace(/^src(.*)ts$/, 'test/unit$1test.ts')}`),
    ...rows.flatMap(([test, paths]) =>
      paths.flatMap((path) => {
        const fault = faultOf(path, test)
        return fault === null ? [] : [`test/tidy/mirror.ts: ${path} ${fault}`]
      }),
    ),
  ]
}

const SOURCE = 'export const a = 1'

/** The rule with a list of its own. */
const listing = (
  says: string,
  files: BadCase['files'],
  test = 'test/fault/a.test.ts',
): BadCase => ({
  files,
  says,
  check: (repository) => untested(repository, { [test]: ['src/server/a.ts'] }),
})

export const MIRROR_RULES: readonly TidyRule[] = [
  {
    title: 'every unit test has its source',
    check: checkSources,
    bad: [bad('test/unit/server/gone.test.ts', '', 'expected src/server/gone.ts')],
    good: [
      { 'test/unit/server/a.test.ts': '', 'src/server/a.ts': '' },
      { 'test/unit/server/a.refusals.test.ts': '', 'src/server/a.ts': '' },
      { 'test/unit/scripts/a.test.ts': '', 'scripts/a.ts': '' },
    ],
  },
  {
    title: 'every source file has its unit test, or is tested elsewhere',
    check: (repository) => untested(repository, TESTED_BY),
    bad: [
      bad('src/server/a.ts', SOURCE, 'src/server/a.ts: write test/unit/server/a.test.ts'),
      listing('test/fault/a.test.ts has gone', { 'src/server/a.ts': SOURCE }),
      listing('src/server/a.ts has gone', { 'test/fault/a.test.ts': '' }),
      listing('or holds types only', { 'src/server/a.ts': 'export interface A {}' }),
      listing('has a unit test now: drop it', {
        'src/server/a.ts': SOURCE,
        'test/unit/server/a.test.ts': '',
      }),
      listing(
        'test/property/a.test.ts does not reach it',
        { 'src/server/a.ts': SOURCE, 'test/property/a.test.ts': '' },
        'test/property/a.test.ts',
      ),
    ],
  },
]
