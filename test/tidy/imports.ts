/** Who may import whom: the table of the design, closures, cycles and dead files. */

import type { CodeFile, Rule } from './source.ts'

interface Arrows {
  /** Folders of `src` (and `proto`) whose files it may import. */
  readonly ours: readonly string[]
  /** Folders of which it may import types only (`import type`). */
  readonly types?: readonly string[]
  /** Single files, where a folder as a whole is closed. */
  readonly files?: readonly string[]
}

const DOMAIN: Arrows = { ours: ['shared', 'proto'], types: ['config'] }

/** The literal table. A folder may always import itself; an arrow that is not here is refused. */
export const ARROWS: Readonly<Record<string, Arrows>> = {
  shared: { ours: [] },
  config: { ours: ['shared'] },
  runtime: DOMAIN,
  routing: DOMAIN,
  drift: DOMAIN,
  records: DOMAIN,
  registry: DOMAIN,
  server: {
    ours: ['routing', 'drift', 'records', 'runtime', 'shared', 'proto'],
    types: ['config'],
  },
  trainer: { ours: ['drift', 'routing', 'registry', 'config', 'shared'] },
  control: {
    ours: ['routing', 'drift', 'records', 'registry', 'trainer', 'config', 'shared', 'proto'],
    // Of runtime only decisions on plain data, and the plain data.
    files: [
      'src/runtime/version-policy.ts',
      'src/runtime/placement.ts',
      'src/runtime/batch-cap.ts',
      'src/runtime/proving-report.ts',
      'src/runtime/proving-task.ts',
      'src/runtime/session-types.ts',
    ],
  },
  cli: {
    ours: [
      ...['config', 'control', 'drift', 'proto', 'records', 'registry', 'routing', 'runtime'],
      ...['server', 'shared', 'trainer'],
    ],
  },
  main: { ours: ['cli'] },
  proto: { ours: [] },
}

/** Every package that `src` may import, with its homes: a file, or a folder ending in `/`. */
export const HOMES: Readonly<Record<string, readonly string[]>> = {
  pino: ['src/shared/logger.ts'],
  zod: ['src/config/'],
  yaml: ['src/config/'],
  'onnxruntime-node': ['src/runtime/session.ts'],
  '@btc-vision/uwebsockets.js': ['src/server/http.ts', 'src/server/uws-binary.ts'],
  fastify: ['src/control/'],
  '@prometheus-io/client': ['src/control/metrics.ts'],
  commander: ['src/cli/'],
  // Generated messages are built with its `create`; what they mean stays in `proto/`.
  '@bufbuild/protobuf': ['proto/', 'src/control/', 'src/server/'],
}

const NATIVE = ['onnxruntime-node', '@btc-vision/uwebsockets.js']
const NOT_ON_HOT_THREADS = [
  ...['zod', 'yaml', 'pino', 'fastify', 'commander', '@prometheus-io/client'],
  ...['@platformatic/kafka', '@opentelemetry/', 'src/control/', 'src/cli/'],
]

/** Files that start a process or a thread; everything else is reached from one of them. */
const ENTRY = /^src\/(main|server\/replica|runtime\/proving|records\/shipper|.*-thread)\.ts$/

const folderOf = (path: string): string => {
  if (path === 'src/main.ts') return 'main'
  return path.startsWith('src/') ? (path.split('/')[1] ?? '') : (path.split('/')[0] ?? '')
}

const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')

const isAt = (path: string, places: readonly string[]): boolean =>
  places.some((place) => (place.endsWith('/') ? path.startsWith(place) : path === place))

const isProduct = ({ path }: CodeFile): boolean => /^(src|proto)\//.test(path)

/** Arrows between folders as in the table. */
export const arrowsRule: Rule<CodeFile> = (files) =>
  files.filter(isProduct).flatMap((file) => {
    const from = folderOf(file.path)
    const arrows = ARROWS[from]
    if (arrows === undefined) return [`${file.path}: folder ${from} has no row in the import table`]
    return file.imports.flatMap(({ target, isType, line }) => {
      if (target === null) return []
      const to = folderOf(target)
      if (to === from || arrows.ours.includes(to) || arrows.files?.includes(target)) return []
      if (isType && arrows.types?.includes(to)) return []
      const allowed = [...arrows.ours, ...(arrows.types ?? []).map((name) => `types of ${name}`)]
      return [
        `${file.path}:${line}: ${from} must not import ${target}; it may import ${allowed.join(', ') || 'nothing of ours'}`,
      ]
    })
  })

/** Packages only in their homes. */
export const homesRule: Rule<CodeFile> = (files) =>
  files.filter(isProduct).flatMap((file) =>
    file.imports.flatMap(({ specifier, target, isType, line }) => {
      if (target !== null || specifier.startsWith('node:')) return []
      const name = packageOf(specifier)
      const homes = HOMES[name]
      if (homes === undefined) {
        return [
          `${file.path}:${line}: package ${name} has no home; name one in test/tidy/imports.ts`,
        ]
      }
      if (isType || isAt(file.path, homes)) return []
      return [`${file.path}:${line}: ${name} is imported only by ${homes.join(', ')}`]
    }),
  )

type Graph = ReadonlyMap<string, CodeFile>

const graphOf = (files: readonly CodeFile[]): Graph =>
  new Map(files.map((file) => [file.path, file]))

/** Shortest import path from `start` to every module, packages included; value imports only. */
const closure = (graph: Graph, start: string, withTypes = false): Map<string, string[]> => {
  const reached = new Map<string, string[]>([[start, [start]]])
  for (const [path, way] of reached) {
    for (const { target, specifier, isType } of graph.get(path)?.imports ?? []) {
      const next = target ?? packageOf(specifier)
      if ((!isType || withTypes) && !reached.has(next)) reached.set(next, [...way, next])
    }
  }
  return reached
}

const forbidden = (graph: Graph, start: string, banned: readonly string[], why: string): string[] =>
  [...closure(graph, start)].flatMap(([module, way]) => {
    const isBanned = banned.some((name) =>
      name.endsWith('/') ? module.startsWith(name) : module === name,
    )
    return isBanned ? [`${start}: ${why}, but reaches ${way.slice(1).join(' -> ')}`] : []
  })

/** The two closure rules of the design. */
export const closureRule: Rule<CodeFile> = (files) => {
  const graph = graphOf(files)
  const paths = [...graph.keys()]
  const control = paths.filter((path) => /^src\/(cli\/serve\.ts|control\/)/.test(path))
  const hot = paths.filter((path) => /^src\/(server\/data|runtime\/compute)-thread\.ts$/.test(path))
  const nativeHomes = NATIVE.flatMap((name) => HOMES[name] ?? [])
  return [
    ...control.flatMap((path) =>
      forbidden(graph, path, [...NATIVE, ...nativeHomes], 'must stay free of native parts'),
    ),
    ...hot.flatMap((path) => forbidden(graph, path, NOT_ON_HOT_THREADS, 'must stay small')),
  ]
}

/** No cycle of value imports. */
export const cyclesRule: Rule<CodeFile> = (files) => {
  const graph = graphOf(files)
  const problems = new Map<string, string>()
  for (const { path, imports } of files) {
    for (const { target, isType } of imports) {
      if (target === null || isType || !graph.has(target)) continue
      const way = closure(graph, target).get(path)
      if (way === undefined) continue
      problems.set([...way].sort().join(), `${path}: import cycle ${[path, ...way].join(' -> ')}`)
    }
  }
  return [...problems.values()]
}

/** Every file of `src` and `proto` is reached from an entry, a bench case or a script. */
export const reachableRule: Rule<CodeFile> = (files) => {
  const graph = graphOf(files)
  const reached = new Set<string>()
  for (const path of graph.keys()) {
    if (!ENTRY.test(path) && !/^(bench|scripts)\//.test(path)) continue
    for (const module of closure(graph, path, true).keys()) reached.add(module)
  }
  return files
    .filter((file) => isProduct(file) && !reached.has(file.path))
    .map(({ path }) => `${path}: no process or thread reaches this file; use it or delete it`)
}
