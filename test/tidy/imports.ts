/** Who may import whom: the literal table of the design, and the home of every package. */

import { bad, type TidyRule } from './rule.ts'
import { type CodeFile, child, dottedName, placeOf, type Repository } from './source.ts'

interface Arrows {
  /** Folders of `src` whose files it may import. */
  readonly ours: readonly string[]
  /** Folders of which it may import types only (`import type`). */
  readonly types?: readonly string[]
  /** Single files, where a folder as a whole is closed. */
  readonly files?: readonly string[]
}

const DOMAIN: Arrows = { ours: ['shared'], types: ['config'] }

/**
 * Both ends of the socket. The design opens `proto/gen` alone; that both import the one file beside
 * it, which holds what they must do alike, is on record in
 * docs/decisions/0003-imports.md.
 */
const CONTROL_PROTOCOL = ['proto/control-envelope.ts', 'proto/gen/control_pb.ts']

/** Messages of the gRPC data plane. */
const GRPC_MESSAGES = [
  'proto/gen/inference_pb.ts',
  'proto/gen/model_config_pb.ts',
  'proto/gen/health_pb.ts',
  'proto/gen/reflection_v1_pb.ts',
  'proto/gen/reflection_v1alpha_pb.ts',
]

/**
 * The literal table. A folder may always import itself; an arrow that is not here is refused. Of
 * `proto` everybody gets single files: his own messages.
 */
export const ARROWS: Readonly<Record<string, Arrows>> = {
  shared: { ours: [] },
  config: { ours: ['shared'] },
  runtime: DOMAIN,
  routing: DOMAIN,
  drift: DOMAIN,
  records: { ...DOMAIN, files: ['proto/gen/prediction_pb.ts'] },
  registry: DOMAIN,
  server: {
    ours: ['routing', 'drift', 'records', 'runtime', 'shared'],
    types: ['config'],
    files: [...CONTROL_PROTOCOL, ...GRPC_MESSAGES],
  },
  trainer: { ours: ['drift', 'routing', 'registry', 'config', 'shared'] },
  control: {
    ours: ['routing', 'drift', 'records', 'registry', 'trainer', 'config', 'shared'],
    files: [
      ...CONTROL_PROTOCOL,
      // Of runtime only decisions on plain data, and the plain data.
      'src/runtime/version-policy.ts',
      'src/runtime/placement.ts',
      'src/runtime/placement-review.ts',
      'src/runtime/batch-cap.ts',
      'src/runtime/proving-report.ts',
      'src/runtime/proving-task.ts',
      'src/runtime/session-types.ts',
    ],
  },
  cli: {
    ours: [
      ...['config', 'control', 'drift', 'records', 'registry', 'routing', 'runtime', 'server'],
      ...['shared', 'trainer'],
    ],
  },
  main: { ours: ['cli'], files: ['src/shared/code-cache.ts'] },
  proto: { ours: [] },
}

/** Every package that `src` may import, with its homes: a file, or a folder ending in `/`. */
export const HOMES: Readonly<Record<string, readonly string[]>> = {
  pino: ['src/shared/logger.ts'],
  zod: ['src/config/'],
  yaml: ['src/config/'],
  'onnxruntime-node': ['src/runtime/session.ts'],
  '@btc-vision/uwebsockets.js': ['src/server/http.ts', 'src/server/uws-binary.ts'],
  'swagger-ui-dist': ['src/server/docs-page.ts'],
  fastify: ['src/control/'],
  '@prometheus-io/client': ['src/control/figures/metrics.ts'],
  commander: ['src/cli/'],
  '@duckdb/node-api': ['src/cli/records-query.ts'],
  'hyparquet-writer': ['src/records/parquet-file.ts'],
  hyparquet: ['src/records/file-source.ts'],
  '@opentelemetry/api': ['src/control/tracing/'],
  '@opentelemetry/exporter-trace-otlp-proto': ['src/control/tracing/'],
  '@opentelemetry/resources': ['src/control/tracing/'],
  '@opentelemetry/sdk-trace': ['src/control/tracing/'],
  // Generated messages are built with its `create`; what they mean stays in `proto/`.
  '@bufbuild/protobuf': ['proto/', 'src/control/', 'src/server/', 'src/records/record-codec.ts'],
}

/** Files that may load what no import names, or have kept what was loaded. */
const REQUIRE_HOMES = [
  'src/server/uws-binary.ts',
  'src/runtime/session.ts',
  'src/shared/code-cache.ts',
]

const folderOf = (path: string): string => {
  if (path === 'src/main.ts') return 'main'
  return path.startsWith('src/') ? (path.split('/')[1] ?? '') : (path.split('/')[0] ?? '')
}

/** `a` of `a/b/c.js`, `@a/b` of `@a/b/c.js`. */
export const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')

/** Whether a path is one of `places`: files, or folders ending in `/`. */
export const isAt = (path: string, places: readonly string[]): boolean =>
  places.some((place) => (place.endsWith('/') ? path.startsWith(place) : path === place))

/** What runs in production. */
export const isProduct = ({ path }: { path: string }): boolean => /^(src|proto)\//.test(path)

const wordsOf = ({ ours, types = [], files = [] }: Arrows): string =>
  [...ours, ...types.map((name) => `types of ${name}`), ...files].join(', ') || 'nothing of ours'

const checkArrows = ({ code }: Repository): string[] =>
  code.filter(isProduct).flatMap((file) => {
    const from = folderOf(file.path)
    const arrows = ARROWS[from]
    if (arrows === undefined) return [`${file.path}: folder ${from} has no row in the import table`]
    return file.imports.flatMap(({ target, isType, line }) => {
      if (target === null) return []
      const to = folderOf(target)
      if (to === from || arrows.ours.includes(to) || arrows.files?.includes(target)) return []
      if (isType && arrows.types?.includes(to)) return []
      return [
        `${file.path}:${line}: ${from} must not import ${target}; it may import ${wordsOf(arrows)}`,
      ]
    })
  })

/** `createRequire` keeps its name, and what it makes is called `require`: so it is seen. */
const renamedRequires = (file: CodeFile): string[] =>
  file.nodes.flatMap((node) => {
    if (node.type === 'ImportSpecifier') {
      const isRenamed =
        dottedName(child(node, 'imported')) === 'createRequire' &&
        dottedName(child(node, 'local')) !== 'createRequire'
      return isRenamed ? [`${placeOf(file, node)}: do not rename createRequire`] : []
    }
    if (node.type !== 'Identifier' || node['name'] !== 'createRequire') return []
    const call = node.parent
    if (call?.type === 'ImportSpecifier') return []
    const user = call?.type === 'CallExpression' ? call.parent : undefined
    const isRequire =
      user?.type === 'VariableDeclarator' && dottedName(child(user, 'id')) === 'require'
    const isResolve =
      user?.type === 'MemberExpression' && dottedName(child(user, 'property')) === 'resolve'
    return isRequire || isResolve
      ? []
      : [`${placeOf(file, node)}: write const require = createRequire(...)`]
  })

const checkHomes = ({ code }: Repository): string[] =>
  code.filter(isProduct).flatMap((file) => [
    ...renamedRequires(file),
    ...file.imports.flatMap(({ specifier, target, isType, line }) => {
      const where = `${file.path}:${line}`
      if (specifier === null) return [`${where}: a computed import escapes every rule; name it`]
      if (/^(node:)?module$/.test(specifier) && !isAt(file.path, REQUIRE_HOMES)) {
        return [`${where}: ${specifier} is imported only by ${REQUIRE_HOMES.join(', ')}`]
      }
      if (target !== null || specifier.startsWith('node:')) return []
      const name = packageOf(specifier)
      const homes = HOMES[name]
      if (homes === undefined) {
        return [`${where}: package ${name} has no home; name one in test/tidy/imports.ts`]
      }
      if (isType || isAt(file.path, homes)) return []
      return [`${where}: ${name} is imported only by ${homes.join(', ')}`]
    }),
  ])

export const IMPORT_RULES: readonly TidyRule[] = [
  {
    title: 'folders import only what the table allows',
    check: checkArrows,
    bad: [
      bad('src/shared/a.ts', `import { b } from '../config/b.ts'`, 'must not import src/config/b'),
      bad('src/shared/a.ts', `type B = import('../config/b.ts').B`, 'must not import src/config/b'),
      bad('src/runtime/a.ts', `import { b } from '../config/b.ts'`, 'types of config'),
      bad('src/runtime/a.ts', `import type { b } from '../routing/b.ts'`, 'src/routing/b.ts'),
      bad('src/control/a.ts', `import { b } from '../runtime/session.ts'`, 'src/runtime/session'),
      bad(
        'src/runtime/a.ts',
        `import { b } from '../../proto/control-envelope.ts'`,
        'must not import proto/control-envelope.ts',
      ),
      bad(
        'src/server/a.ts',
        `import { b } from '../../proto/gen/ledger_pb.ts'`,
        'must not import proto/gen/ledger_pb.ts',
      ),
      bad('src/misplaced/a.ts', `export const a = 1`, 'no row in the import table'),
    ],
    good: [{ 'src/runtime/a.ts': `import type { b } from '../config/b.ts'` }],
  },
  {
    title: 'packages are imported only in their homes',
    check: checkHomes,
    bad: [
      bad('src/server/a.ts', `import { z } from 'zod'`, 'zod is imported only by'),
      bad('src/server/a.ts', 'await import(`zod`)', 'zod is imported only by'),
      bad(
        'src/server/a.ts',
        `const ort = require('onnxruntime-node/dist/binding.js')`,
        'onnxruntime-node is imported only by',
      ),
      bad('src/server/a.ts', `await import('left-pad')`, 'left-pad has no home'),
      bad('src/server/a.ts', `await import('left' + '-pad')`, 'computed import'),
      bad('src/server/a.ts', `import { createRequire } from 'node:module'`, 'node:module is'),
      bad(
        'src/runtime/session.ts',
        `import { createRequire as make } from 'node:module'`,
        'do not rename createRequire',
      ),
      bad('src/runtime/session.ts', 'const load = createRequire(x)', 'const require ='),
      bad('src/runtime/session.ts', `createRequire(x)('zod')`, 'const require ='),
      bad('src/runtime/session.ts', 'const make = createRequire', 'const require ='),
    ],
    good: [
      {
        'src/runtime/session.ts': `import { createRequire } from 'node:module'
          const require = createRequire(import.meta.url)
          require('onnxruntime-node/dist/binding.js')
          createRequire(import.meta.url).resolve('zod')`,
      },
      { 'src/server/a.ts': `import type { z } from 'zod'` },
    ],
  },
]
