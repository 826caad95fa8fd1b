/** Calls and objects of `src` with one home. */

import { bad, type TidyRule } from './rule.ts'
import { type Ban, breaches, type Policy } from './uses.ts'

const TIME: Ban = {
  homes: ['src/shared/clock.ts'],
  instead: 'take a Clock, or a `monotonic` function where it is hot (src/shared/clock.ts)',
}
const DATE: Ban = { ...TIME, instead: `${TIME.instead}; new Date(clock.now()) for people` }
const RANDOM: Ban = {
  homes: [],
  instead: 'take random bytes of node:crypto, or pass the choice in',
}
const WORKER: Ban = { homes: ['src/shared/threads.ts'], instead: 'call spawnThread()' }
const CONSOLE: Ban = {
  homes: [],
  instead: 'log through src/shared/logger.ts; a verb prints through src/cli/output.ts',
}
/** A verb prints; a proving run tells its result to its parent by stdout. */
const STREAM: Ban = {
  ...CONSOLE,
  homes: ['src/cli/', 'src/shared/logger.ts', 'src/runtime/proving.ts'],
}
const GLOBAL: Ban = { homes: [], instead: 'write the name of the global itself' }
const ENVIRONMENT: Ban = {
  // uWebSockets reads its header limit by C `getenv`: it must be written, once.
  homes: ['src/config/environment.ts', 'src/server/uws-binary.ts'],
  instead: 'read it in src/config/environment.ts and pass the value on',
}
const NATIVE: Ban = {
  homes: ['src/server/uws-binary.ts', 'src/runtime/session.ts'],
  instead: 'native code has one home for each addon (test/tidy/imports.ts)',
}

const SOURCE_POLICY: Policy = {
  globals: {
    setTimeout: TIME,
    setInterval: TIME,
    performance: TIME,
    console: CONSOLE,
    Worker: WORKER,
    globalThis: GLOBAL,
    global: GLOBAL,
  },
  members: {
    Date: { now: DATE, '()': DATE, 'new ()': DATE },
    Math: { random: RANDOM },
    // A verb asks once and ends: no clock is passed to it.
    AbortSignal: { timeout: { ...TIME, homes: ['src/cli/client.ts'] } },
    process: {
      env: ENVIRONMENT,
      loadEnvFile: ENVIRONMENT,
      hrtime: TIME,
      stdout: STREAM,
      stderr: STREAM,
      dlopen: NATIVE,
      binding: NATIVE,
      getBuiltinModule: GLOBAL,
    },
  },
  modules: {
    'node:process': GLOBAL,
    'node:console': CONSOLE,
    'node:timers': TIME,
    'node:timers/promises': TIME,
    'node:perf_hooks': { ...TIME, names: ['performance'] },
    'node:worker_threads': { ...WORKER, names: ['Worker'] },
  },
}

/** Spellings of one ban, each with the same complaint. */
const spellings = (says: string, ...texts: readonly string[]) =>
  texts.map((text) => bad('src/server/a.ts', text, says))

export const BANNED_RULE: TidyRule = {
  title: 'calls with one home stay there',
  check: ({ code }) =>
    code
      .filter(({ path }) => path.startsWith('src/'))
      .flatMap((file) => breaches(file, SOURCE_POLICY)),
  bad: [
    bad('src/config/load.ts', `process.env['HOME']`, 'no `process.env` here'),
    ...spellings('no `Date.now` here', 'Date.now()', `Date['now']()`, 'const f = Date.now'),
    ...spellings(
      'write `Date.<member>`',
      'const { now } = Date',
      'const D = Date',
      `Date['n' + 'ow']()`,
    ),
    ...spellings('no `new Date()` here', 'new Date()'),
    ...spellings('no `Date()` here', 'Date()'),
    ...spellings('no `performance` here', 'const clock = { now: performance.now }'),
    ...spellings(
      'no `setTimeout` here',
      'setTimeout(() => {}, 1)',
      'const later = setTimeout',
      'const timers = { setTimeout }',
      'schedule(setTimeout as Schedule)',
      'const f = (later = setTimeout) => later()',
    ),
    ...spellings('no `setInterval` here', 'setInterval(() => {}, 1)'),
    ...spellings(
      'no `globalThis` here',
      'globalThis.setTimeout(() => {}, 1)',
      'const { setTimeout: later } = globalThis',
    ),
    ...spellings(
      'no node:timers/promises here',
      `import { setTimeout as later } from 'node:timers/promises'`,
      `import { scheduler } from 'timers/promises'`,
      `const { setTimeout: later } = await import('node:timers/promises')`,
      `export { setTimeout } from 'node:timers/promises'`,
    ),
    ...spellings('no node:timers here', `import * as timers from 'node:timers'`),
    ...spellings(
      'no performance of node:perf_hooks',
      `import { performance as p } from 'node:perf_hooks'`,
    ),
    ...spellings('no `AbortSignal.timeout` here', 'AbortSignal.timeout(10)'),
    ...spellings('no `Math.random` here', 'Math.random()'),
    ...spellings('write `Math.<member>`', 'const { random } = Math'),
    ...spellings('no `Worker` here', `new Worker('x')`),
    ...spellings(
      'no Worker of node:worker_threads',
      `import { Worker as Thread } from 'node:worker_threads'`,
    ),
    ...spellings(
      'import single names of node:worker_threads',
      `import * as wt from 'node:worker_threads'`,
      `import wt from 'node:worker_threads'`,
      `const wt = await import('node:worker_threads')`,
    ),
    ...spellings('no `process.env` here', `process.env['HOME']`, 'const e = process?.env'),
    ...spellings('write `process.<member>`', 'const { env } = process', 'const p = process'),
    ...spellings(
      'no node:process here',
      `import { env } from 'node:process'`,
      `import process from 'process'`,
      `import p from 'node:process'`,
    ),
    ...spellings('no `process.getBuiltinModule` here', `process.getBuiltinModule('timers')`),
    ...spellings('no `process.dlopen` here', `process.dlopen(module, 'a.node')`),
    ...spellings('no `process.stdout` here', `process.stdout.write('x')`),
    ...spellings('no `console` here', `console.log('x')`, 'const { log } = console'),
  ],
  good: [
    {
      'src/server/a.ts': `import { parentPort, type Worker } from 'node:worker_threads'
        import type { Worker as Thread } from 'node:worker_threads'
        const text = new Date(clock.now()).toISOString()
        const isDate = text instanceof Date
        const options: { console: number; setTimeout?: typeof setTimeout } = { console: 1 }
        clock.setTimeout(options.console)
        process.exit(Math.max(1, 2))
        let timer: NodeJS.Timeout
        const isEnded = (process: Facts, { performance }: Costs) => process === performance
        for (const process of processes) end(process)`,
      'src/config/environment.ts': 'export const environment = () => process.env',
      'src/cli/output.ts': `process.stdout.write('x')`,
    },
  ],
}
