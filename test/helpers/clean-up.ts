/**
 * One place where helpers leave what must be undone. Called inside a test it runs when the test
 * ends; at the top of a file or in `beforeAll`, when the file ends. Last in, first out; one that
 * fails keeps none from running.
 */

import { onTestFinished } from 'vitest'

type CleanUp = () => void | Promise<void>

const ofFile: CleanUp[] = []
let hasFileEnded = false

/** Runs all, the last first, and throws what went wrong. */
export const runCleanUps = async (cleanUps: readonly CleanUp[]): Promise<void> => {
  const errors: unknown[] = []
  for (const cleanUp of cleanUps.toReversed()) {
    try {
      await cleanUp()
    } catch (error) {
      errors.push(error)
    }
  }
  if (errors.length > 1) throw new AggregateError(errors, `${errors.length} clean-ups failed`)
  if (errors.length === 1) throw errors[0]
}

/** A test file begins: `set-up.ts` says so. */
export const beginFile = (): void => {
  hasFileEnded = false
}

/** It has ended. */
export const endFile = async (): Promise<void> => {
  hasFileEnded = true
  await runCleanUps(ofFile.splice(0))
}

/**
 * Runs `cleanUp` when the current test, or else the current file, has ended. A test that ran out of
 * time goes on unseen: when the file has ended too, this throws, so that it starts nothing more.
 */
export const atEnd = (cleanUp: CleanUp): void => {
  if (hasFileEnded) throw new Error('The test file has ended: nobody would clean this up')
  try {
    onTestFinished(async () => {
      await cleanUp()
    })
  } catch {
    ofFile.push(cleanUp) // not inside a test
  }
}
