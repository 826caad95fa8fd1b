/** Model repositories on disk, for tests. */

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeTempDir } from './temp-dir.ts'

type Content = Uint8Array | string | object

/** Files by path: bytes and text as they are, anything else as JSON. */
export const writeTree = (root: string, tree: Readonly<Record<string, Content>>): void => {
  for (const [path, content] of Object.entries(tree)) {
    const file = join(root, path)
    mkdirSync(join(file, '..'), { recursive: true })
    const isRaw = typeof content === 'string' || content instanceof Uint8Array
    writeFileSync(file, isRaw ? content : JSON.stringify(content))
  }
}

/** A new repository with these files, such as `{ 'iris/1/model.onnx': bytes }`. */
export const makeRepository = (tree: Readonly<Record<string, Content>>): string => {
  const root = makeTempDir('models')
  writeTree(root, tree)
  return root
}
