/** What can become of the segments of a replica that is no more. */

import { execFileSync } from 'node:child_process'
import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'

/**
 * - `whole`: every record is shipped.
 * - `corrupt`: what could not be read is a gap that says so.
 * - `unexplained`: records are missing, and nothing says why: `verify` must.
 */
export type Outcome = 'whole' | 'corrupt' | 'unexplained'

export interface Damage {
  readonly name: string
  readonly outcome: Outcome
  /** A name is left in the spool that nobody can read, or not yet. */
  readonly isLeft?: boolean
  /** `paths`: of three segments or more, in order. The second is damaged, if it is only one. */
  apply(paths: readonly string[]): void
}

type Change = (bytes: Buffer) => Uint8Array

const rewrite =
  (change: Change) =>
  ([, path]: readonly string[]): void =>
    writeFileSync(path!, change(readFileSync(path!)))

const middleOf = (bytes: Uint8Array): number => bytes.length >> 1

const zeroed =
  (from: (bytes: Uint8Array) => number, count: number): Change =>
  (bytes) =>
    bytes.fill(0, from(bytes), Math.min(bytes.length, from(bytes) + count))

const replaceBy =
  (make: (path: string) => void) =>
  ([, path]: readonly string[]): void => {
    rmSync(path!)
    make(path!)
  }

const swap = ([, second, third]: readonly string[]): void => {
  const aside = `${second}.aside`
  renameSync(second!, aside)
  renameSync(third!, second!)
  renameSync(aside, third!)
}

/** The frames behind the header of one in the place of those of another. */
const exchangeTails = ([, second, third]: readonly string[]): void => {
  const [own, other] = [readFileSync(second!), readFileSync(third!)]
  const at = middleOf(own)
  writeFileSync(second!, Buffer.concat([own.subarray(0, at), other.subarray(at)]))
}

const LEFT = { outcome: 'unexplained', isLeft: true } as const

export const DAMAGES: readonly Damage[] = [
  { name: 'none', outcome: 'whole', apply: () => {} },
  {
    name: 'a flipped bit in the middle',
    outcome: 'corrupt',
    apply: rewrite((bytes) => {
      bytes[middleOf(bytes)]! ^= 4
      return bytes
    }),
  },
  {
    name: 'a flipped bit in the header',
    outcome: 'whole',
    apply: rewrite((bytes) => {
      bytes[40]! ^= 1
      return bytes
    }),
  },
  {
    name: 'cut off in the middle',
    outcome: 'corrupt',
    apply: ([, path]) => truncateSync(path!, middleOf(readFileSync(path!))),
  },
  { name: 'cut off in its first bytes', outcome: 'corrupt', apply: ([, p]) => truncateSync(p!, 5) },
  { name: 'empty', outcome: 'corrupt', apply: ([, path]) => truncateSync(path!, 0) },
  { name: 'a zeroed page', outcome: 'corrupt', apply: rewrite(zeroed(middleOf, 4096)) },
  {
    name: 'zeros to the end',
    outcome: 'corrupt',
    apply: rewrite(zeroed(middleOf, Number.MAX_SAFE_INTEGER)),
  },
  { name: 'nothing but zeros', outcome: 'corrupt', apply: rewrite((bytes) => bytes.fill(0)) },
  {
    name: 'nothing but noise',
    outcome: 'corrupt',
    apply: rewrite((bytes) => bytes.map((_, i) => Math.imul(i, 0x9e3779b1) >>> 24)),
  },
  {
    name: 'text of somebody else',
    outcome: 'corrupt',
    apply: ([, path]) => writeFileSync(path!, 'Dear reader,\n'.repeat(1000)),
  },
  {
    name: 'a later format',
    ...LEFT,
    apply: rewrite((bytes) => {
      bytes[4] = 99
      return bytes
    }),
  },
  { name: 'two that are swapped', outcome: 'whole', apply: swap },
  { name: 'the tail of another one', outcome: 'corrupt', apply: exchangeTails },
  {
    name: 'one that is there twice',
    outcome: 'whole',
    apply: ([first, second]) => copyFileSync(second!, first!.replace(/-g0-/, '-g1-')),
  },
  { name: 'one that is gone', outcome: 'unexplained', apply: replaceBy(() => {}) },
  { name: 'a folder', ...LEFT, apply: replaceBy((path) => mkdirSync(path)) },
  {
    name: 'a FIFO',
    ...LEFT,
    apply: replaceBy((path) => execFileSync('mkfifo', [path])),
  },
  {
    name: 'a link to itself',
    ...LEFT,
    apply: replaceBy((path) => symlinkSync(path, path)),
  },
  {
    name: 'a link to a device that never ends',
    ...LEFT,
    apply: replaceBy((path) => symlinkSync('/dev/zero', path)),
  },
]

/** Files of other names beside the segments: they are none of ours. */
export const addStrangers = (spool: string): void => {
  writeFileSync(join(spool, 'r0-i1-g0-1.seg.tmp'), 'x')
  writeFileSync(join(spool, 'README'), 'x')
  writeFileSync(join(spool, 'r99999999999999999999-i1-g0-1.seg'), 'x')
  mkdirSync(join(spool, 'lost+found'))
}
