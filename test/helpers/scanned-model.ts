/** Repositories of one model, as the registry sees them. */

import { expect } from 'vitest'
import { repositoryParsers } from '../../src/config/parsers.ts'
import { scanRepository } from '../../src/registry/folder.ts'
import { type Entry, makeTree } from './tree.ts'

export const scan = (root: string) => scanRepository(root, repositoryParsers)

/** The only model of a repository with these files under `m/`. */
export const scanModel = (entries: Readonly<Record<string, Entry>>) => {
  const inside = Object.fromEntries(Object.entries(entries).map(([path, e]) => [`m/${path}`, e]))
  const { models, faults } = scan(makeTree(inside))
  expect(faults).toEqual([])
  expect(models).toHaveLength(1)
  return models[0]!
}

/** What is wrong with version 1 of a model with these files. */
export const versionFault = (entries: Readonly<Record<string, Entry>>) =>
  scanModel(entries).versions[0]?.fault
