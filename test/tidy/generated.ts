/** Generated files equal what their generator writes now. */

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { REPOSITORY_ROOT, readTextFiles, repositoryPaths, type SourceFile } from './source.ts'

/** Compares committed files under `folder` with what was generated. */
export const differences = (
  committed: readonly SourceFile[],
  generated: ReadonlyMap<string, string>,
  command: string,
): string[] => {
  const texts = new Map(committed.map(({ path, text }) => [path, text]))
  const paths = new Set([...texts.keys(), ...generated.keys()])
  return [...paths].sort().flatMap((path) => {
    if (texts.get(path) === generated.get(path)) return []
    if (!generated.has(path)) return [`${path}: nothing generates this file; delete it`]
    return [`${path}: differs from what is generated; run \`${command}\``]
  })
}

const BIN = join(REPOSITORY_ROOT, 'node_modules', '.bin')

/** Runs `buf generate` into a temporary folder. Needs no network: both programs are installed. */
export const generateProto = (): Map<string, string> => {
  const out = mkdtempSync(join(tmpdir(), 'sluice-proto-'))
  try {
    execFileSync(join(BIN, 'buf'), ['generate', '--output', out], {
      cwd: join(REPOSITORY_ROOT, 'proto'),
      env: { ...process.env, PATH: `${BIN}:${process.env['PATH']}`, BUF_CACHE_DIR: out },
    })
    const paths = readdirSync(out, { recursive: true, encoding: 'utf8' })
    return new Map(
      paths
        .filter((path) => path.endsWith('.ts'))
        .map((path) => [`proto/${path}`, readFileSync(join(out, path), 'utf8')]),
    )
  } finally {
    rmSync(out, { recursive: true, force: true })
  }
}

/** Committed files under a folder. */
export const committedUnder = (folder: string): readonly SourceFile[] =>
  readTextFiles(repositoryPaths().filter((path) => path.startsWith(folder)))
