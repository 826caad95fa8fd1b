/** Programs of others that a test runs to their end, beside all else that its process does. */

import { spawn } from 'node:child_process'
import { atEnd } from './clean-up.ts'

export interface ProgramResult {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunningProgram {
  /** What it has written to stdout so far. */
  readonly stdout: string
  readonly result: Promise<ProgramResult>
}

export const startProgram = (
  program: string,
  args: readonly string[],
  input = '',
): RunningProgram => {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  atEnd(() => void child.kill('SIGKILL'))
  const texts = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => {
    texts.stdout += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    texts.stderr += chunk.toString()
  })
  child.stdin.on('error', () => {}) // it did not want to know
  child.stdin.end(input)
  const result = new Promise<ProgramResult>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (exitCode) => resolve({ exitCode, ...texts }))
  })
  return {
    get stdout() {
      return texts.stdout
    },
    result,
  }
}

export const runProgram = (
  program: string,
  args: readonly string[],
  input = '',
): Promise<ProgramResult> => startProgram(program, args, input).result
