/**
 * One place where helpers leave what must be undone. Called inside a test it runs when the test
 * ends; at the top of a file or in `beforeAll`, when the file ends. Last in, first out.
 */

import { afterAll, onTestFinished } from 'vitest'

type CleanUp = () => void | Promise<void>

const ofFile: CleanUp[] = []

// Vitest loads this module anew for each test file: this registers for the file that imports it.
afterAll(async () => {
  for (const cleanUp of ofFile.splice(0).reverse()) await cleanUp()
})

/** Runs `cleanUp` when the current test, or else the current file, has ended. */
export const atEnd = (cleanUp: CleanUp): void => {
  try {
    onTestFinished(async () => {
      await cleanUp()
    })
  } catch {
    ofFile.push(cleanUp) // not inside a test
  }
}
