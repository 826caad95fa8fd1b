/** Where a thread spent its time: self times of a V8 CPU profile by module. Pure. */

import { dirname } from 'node:path/posix'

export interface ProfileNode {
  readonly id: number
  readonly callFrame: { readonly functionName: string; readonly url: string }
  readonly children?: readonly number[]
}

/** A `.cpuprofile`; times are microseconds of the monotonic clock. */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[]
  readonly startTime: number
  /** Ids of nodes, one a sample. */
  readonly samples: readonly number[]
  /** Between a sample and the one before; of the first: since `startTime`. */
  readonly timeDeltas: readonly number[]
}

/** Microseconds of the monotonic clock. */
export interface Span {
  readonly fromUs: number
  readonly toUs: number
}

export const IDLE = 'idle'

/** What V8 samples when no JavaScript runs. */
const STATES: ReadonlyMap<string, string> = new Map([
  ['(root)', IDLE],
  ['(idle)', IDLE],
  ['(garbage collector)', 'garbage collection'],
  ['(program)', 'outside JavaScript (nghttp2, sockets, event loop)'],
])

const SESSION = 'src/runtime/session.ts'
const FOLDERS_MAX = 3

/** The module of code at `url`: a package, a part of Node, or a folder below `root`. */
export const moduleOf = (url: string, root: string): string => {
  const inPackage = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1]
  if (inPackage !== undefined) return inPackage
  if (/^node:(internal\/)?http2/.test(url)) return 'node:http2'
  if (/^node:(internal\/)?(stream|_stream)/.test(url)) return 'node:stream'
  if (url.startsWith('node:')) return 'node: all else'
  const place = url.replace(/^file:\/\//, '').replace(root, '')
  // What runs below it is one native call.
  if (place === SESSION) return 'ONNX Runtime'
  return dirname(place).split('/').slice(0, FOLDERS_MAX).join('/')
}

/** The module of each node by its id; native functions belong to what calls them. */
const modulesOf = ({ nodes }: CpuProfile, root: string): Map<number, string> => {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const modules = new Map<number, string>()
  const visit = (node: ProfileNode, caller: string): void => {
    const { functionName, url } = node.callFrame
    const own = STATES.get(functionName) ?? (url === '' ? caller : moduleOf(url, root))
    modules.set(node.id, own)
    for (const child of node.children ?? []) visit(byId.get(child)!, own)
  }
  const children = new Set(nodes.flatMap((node) => node.children ?? []))
  for (const node of nodes) if (!children.has(node.id)) visit(node, IDLE)
  return modules
}

/**
 * Microseconds of each module within a span, IDLE among them. A sample counts until the next one.
 *
 * @param root the folder, with its last slash, that paths of our own are given below
 */
export const selfTimes = (profile: CpuProfile, span: Span, root: string): Map<string, number> => {
  const modules = modulesOf(profile, root)
  const times = new Map<string, number>()
  let atUs = profile.startTime
  profile.samples.forEach((id, i) => {
    atUs += profile.timeDeltas[i]!
    const forUs = profile.timeDeltas[i + 1] ?? 0
    if (atUs < span.fromUs || atUs + forUs > span.toUs) return
    const name = modules.get(id) ?? IDLE
    times.set(name, (times.get(name) ?? 0) + forUs)
  })
  return times
}

/** Time in which the thread was at work. */
export const busyUs = (times: ReadonlyMap<string, number>): number =>
  [...times].reduce((sum, [name, us]) => (name === IDLE ? sum : sum + us), 0)
