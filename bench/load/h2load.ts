/**
 * Calls over gRPC by h2load (package nghttp2-client): C++, one thread, so that the load is never
 * what is measured. It looks at `:status` alone, which says nothing about a call: that all were
 * answered well is asked of who answers (bench/grpc.ts).
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hasProgram, outputOf, start } from '../measure/processes.ts'
import type { CallPlan } from './call-plan.ts'
import { parseH2load } from './h2load-result.ts'
import type { LoadResult } from './load.ts'

export const hasH2load = (): boolean => hasProgram('h2load')

export const runH2load = async (plan: CallPlan): Promise<LoadResult> => {
  const { target, connections, streams, seconds } = plan
  const folder = mkdtempSync(join(tmpdir(), 'bench-call-'))
  try {
    const [body, log] = [join(folder, 'body'), join(folder, 'log')]
    writeFileSync(body, target.body, 'latin1')
    const loop = ['-t', '1', '-c', `${connections}`, '-m', `${streams}`]
    const duration = ['-D', `${Math.round(seconds * 1000)}ms`]
    const headers = target.headers.flatMap((line) => ['-H', line])
    const url = `http://127.0.0.1:${target.port}${target.path}`
    const files = ['-d', body, '--log-file', log]
    const command = ['h2load', ...loop, ...duration, ...files, ...headers, url]
    const output = await outputOf(start(command, { core: 'load' }))
    return parseH2load(output, readFileSync(log, 'latin1'))
  } finally {
    rmSync(folder, { recursive: true })
  }
}
