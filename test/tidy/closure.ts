/** What is reached by import from where: entries, closures, cycles and dead files. */

import { HOMES, isAt, isProduct, packageOf } from './imports.ts'
import { bad, type TidyRule } from './rule.ts'
import { type CodeFile, child, children, dottedName, type Repository, textOf } from './source.ts'

/** What starts a process or a thread. `hot`: a thread that answers requests. */
type Kind = 'process' | 'thread' | 'hot thread'

/** Every entry. Each file that ends in `-thread.ts` is one. */
const ENTRIES: Readonly<Record<string, Kind>> = {
  'src/main.ts': 'process',
  'src/server/replica.ts': 'process',
  'src/runtime/proving.ts': 'process',
  'src/server/data-thread.ts': 'hot thread',
  'src/runtime/pool/compute-thread.ts': 'hot thread',
  'src/runtime/proving-guard-thread.ts': 'thread',
  'src/records/spool/spool-thread.ts': 'thread',
  'src/records/shipper.ts': 'process',
}

/** Composition roots without native code; with them, every file of `src/control/`. */
const CONTROL_ROOTS = ['src/cli/serve.ts', 'src/cli/check.ts']

const NATIVE = ['onnxruntime-node', '@btc-vision/uwebsockets.js']
const NATIVE_PLACES = [...NATIVE, ...NATIVE.flatMap((name) => HOMES[name] ?? [])]
const NOT_ON_HOT_THREADS = [
  ...['zod', 'yaml', 'pino', 'fastify', 'commander', '@prometheus-io/client'],
  ...['@platformatic/kafka', '@opentelemetry/', 'src/control/', 'src/cli/'],
]

/** Files by their path. */
export type Graph = ReadonlyMap<string, CodeFile>

export const graphOf = ({ code }: Repository): Graph =>
  new Map(code.map((file) => [file.path, file]))

/** Shortest import path from `start` to every module, packages included; value imports only. */
export const closure = (
  graph: Graph,
  start: string,
  withTypes = false,
): ReadonlyMap<string, readonly string[]> => {
  const reached = new Map<string, string[]>([[start, [start]]])
  for (const [path, way] of reached) {
    for (const { target, specifier, isType } of graph.get(path)?.imports ?? []) {
      const next = target ?? packageOf(specifier ?? '')
      if ((!isType || withTypes) && !reached.has(next)) reached.set(next, [...way, next])
    }
  }
  return reached
}

const forbidden = (graph: Graph, start: string, banned: readonly string[], why: string): string[] =>
  [...closure(graph, start)].flatMap(([module, way]) =>
    isAt(module, banned) ? [`${start}: ${why}, but reaches ${way.slice(1).join(' -> ')}`] : [],
  )

const checkClosures = (repository: Repository): string[] => {
  const graph = graphOf(repository)
  const control = [...graph.keys()].filter((path) => path.startsWith('src/control/'))
  const hot = Object.keys(ENTRIES).filter((path) => ENTRIES[path] === 'hot thread')
  return [
    ...[...CONTROL_ROOTS, ...hot]
      .filter((path) => !graph.has(path))
      .map((path) => `${path}: has gone, and its closure rule with it; name its successor`),
    ...(control.length === 0 ? ['src/control/: has gone, and its closure rule with it'] : []),
    ...[...CONTROL_ROOTS, ...control].flatMap((path) =>
      forbidden(graph, path, NATIVE_PLACES, 'must stay free of native parts'),
    ),
    ...hot.flatMap((path) => forbidden(graph, path, NOT_ON_HOT_THREADS, 'must stay small')),
  ]
}

/** Names of entries that a file starts: `spawnThread('server/a-thread.ts')`, `entryPath(...)`. */
const startedBy = (file: CodeFile): string[] =>
  file.nodes.flatMap((node) => {
    const isStart =
      node.type === 'CallExpression' &&
      /^(spawnThread|entryPath)$/.test(dottedName(child(node, 'callee')))
    const entry = isStart ? textOf(children(node, 'arguments')[0]) : null
    return entry === null ? [] : [`src/${entry}`]
  })

const checkEntries = (repository: Repository): string[] => {
  const graph = graphOf(repository)
  const started = new Set(
    repository.code.filter(({ path }) => path.startsWith('src/')).flatMap(startedBy),
  )
  const threads = [...graph.keys()].filter((path) => /^src\/.*-thread\.ts$/.test(path))
  const wanted = new Set([...threads, ...started, ...Object.keys(ENTRIES)])
  return [...wanted].flatMap((path) => {
    if (!graph.has(path)) return [`${path}: an entry that does not exist`]
    if (!Object.hasOwn(ENTRIES, path)) {
      return [`${path}: starts a thread or process, so it has a row in test/tidy/closure.ts`]
    }
    const isStarted = path === 'src/main.ts' || started.has(path)
    return isStarted ? [] : [`${path}: an entry that nobody starts by spawnThread() or entryPath()`]
  })
}

const checkCycles = (repository: Repository): string[] => {
  const graph = graphOf(repository)
  const closures = new Map([...graph.keys()].map((path) => [path, closure(graph, path)]))
  const problems = new Map<string, string>()
  for (const { path, imports } of repository.code) {
    for (const { target, isType } of imports) {
      const way = isType || target === null ? undefined : closures.get(target)?.get(path)
      if (way === undefined) continue
      problems.set([...way].sort().join(), `${path}: import cycle ${[path, ...way].join(' -> ')}`)
    }
  }
  return [...problems.values()]
}

/** What only scripts, benches or tests use is no part of the product: it lives with them. */
const checkReached = (repository: Repository): string[] => {
  const graph = graphOf(repository)
  const reached = new Set(
    Object.keys(ENTRIES).flatMap((entry) => [...closure(graph, entry, true).keys()]),
  )
  return repository.code
    .filter((file) => isProduct(file) && !reached.has(file.path))
    .map(({ path }) => `${path}: no process or thread reaches it; use it, move it or delete it`)
}

/** Entries as files, so that a case has nothing else to complain about. */
const SUBJECTS = {
  'src/cli/serve.ts': '',
  'src/cli/check.ts': '',
  'src/control/gateway.ts': '',
  'src/server/data-thread.ts': '',
  'src/runtime/pool/compute-thread.ts': '',
}

export const CLOSURE_RULES: readonly TidyRule[] = [
  {
    title: 'control has no native part, hot threads stay small',
    check: checkClosures,
    bad: [
      {
        files: {
          ...SUBJECTS,
          'src/cli/serve.ts': `import { a } from '../runtime/a.ts'`,
          'src/runtime/a.ts': `import { b } from './session.ts'`,
          'src/runtime/session.ts': `export const b = 1`,
        },
        says: 'src/cli/serve.ts: must stay free of native parts, but reaches src/runtime/a.ts',
      },
      {
        files: { ...SUBJECTS, 'src/control/a.ts': `await import('onnxruntime-node')` },
        says: 'reaches onnxruntime-node',
      },
      {
        files: { ...SUBJECTS, 'src/control/a.ts': 'await import(`onnxruntime-node`)' },
        says: 'reaches onnxruntime-node',
      },
      {
        files: {
          ...SUBJECTS,
          'src/server/data-thread.ts': `import { type A } from '../config/a.ts'`,
          'src/config/a.ts': `import { z } from 'zod'`,
        },
        says: 'reaches src/config/a.ts -> zod',
      },
      {
        files: {
          'src/cli/serve.ts': '',
          'src/cli/check.ts': '',
          'src/control/gateway.ts': '',
          'src/server/hot-thread.ts': `import { z } from 'zod'`,
        },
        says: 'src/server/data-thread.ts: has gone',
      },
      {
        files: { 'src/control/gateway.ts': '', 'src/server/data-thread.ts': '' },
        says: 'src/cli/serve.ts: has gone',
      },
      {
        files: { 'src/cli/serve.ts': '', 'src/server/data-thread.ts': '' },
        says: 'src/control/: has gone',
      },
    ],
    good: [SUBJECTS],
  },
  {
    title: 'every process and thread has a row, and is started',
    check: checkEntries,
    bad: [
      bad('src/records/spool-thread.ts', '', 'src/records/spool-thread.ts: starts a thread'),
      bad('src/a.ts', `entryPath('records/shipper.ts')`, 'src/records/shipper.ts: an entry that'),
      bad('src/main.ts', '', 'src/server/data-thread.ts: an entry that does not exist'),
      bad('src/server/replica.ts', '', 'src/server/replica.ts: an entry that nobody starts'),
    ],
  },
  {
    title: 'no import cycles',
    check: checkCycles,
    bad: [
      {
        files: {
          'src/server/a.ts': `import { b } from './b.ts'`,
          'src/server/b.ts': `import { a } from './a.ts'`,
        },
        says: 'import cycle src/server/b.ts -> src/server/a.ts -> src/server/b.ts',
      },
    ],
  },
  {
    title: 'every file is part of a process or thread',
    check: checkReached,
    bad: [
      {
        files: { 'src/main.ts': `import './cli/a.ts'`, 'src/cli/b.ts': 'export const b = 1' },
        says: 'src/cli/b.ts: no process or thread reaches it',
      },
      {
        files: { 'bench/a.ts': `import '../src/cli/b.ts'`, 'src/cli/b.ts': 'export const b = 1' },
        says: 'src/cli/b.ts: no process or thread reaches it',
      },
    ],
  },
]
