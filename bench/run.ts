/** `npm run bench -- <name>`: see options.ts. */

import { forbidTelemetry } from '../src/config/environment.ts'
import { type BenchOptions, parseOptions, USAGE } from './options.ts'

const BENCHMARKS: Readonly<Record<string, (options: BenchOptions) => Promise<boolean>>> = {
  http: async (options) => (await import('./http.ts')).runHttp(options),
  grpc: async (options) => (await import('./grpc.ts')).runGrpc(options),
  micro: async (options) => (await import('./micro.ts')).runMicro(options),
  startup: async (options) => (await import('./startup.ts')).runStartup(options),
  overload: async (options) => (await import('./overload.ts')).runOverload(options),
  pooled: async (options) => (await import('./pooled.ts')).runPooled(options),
  cancel: async (options) => (await import('./cancel.ts')).runCancel(options),
  records: async (options) => (await import('./records.ts')).runRecords(options),
  archive: async (options) => (await import('./archive.ts')).runArchive(options),
  swaps: async (options) => (await import('./swaps.ts')).runSwaps(options),
  gpu: async (options) => (await import('./gpu.ts')).runGpu(options),
  recovery: async (options) => (await import('./recovery.ts')).runRecovery(options),
}

const main = async (): Promise<number> => {
  try {
    const options = parseOptions(process.argv.slice(2))
    if (!Object.hasOwn(BENCHMARKS, options.what))
      throw new TypeError(`No benchmark is called "${options.what}"`)
    return (await BENCHMARKS[options.what]!(options)) ? 0 : 1
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    console.error(`${error.message}\n${USAGE}`)
    return 2
  }
}

forbidTelemetry()
// Not process.exitCode alone: a server that would not end must not keep the benchmark alive.
process.exit(await main())
