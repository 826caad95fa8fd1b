/** Flags and texts of help that several verbs share. */

import { type Command, Option } from 'commander'
import { DEFAULT_SERVER, parseServer, parseTimeout } from './url.ts'

const TIMEOUT_MS = 5000

/** Adds `--server` and `--timeout`, `what` the latter is for and its default. */
export const withServer = (
  command: Command,
  what = 'longest wait for an answer',
  [ms, text]: readonly [number, string] = [TIMEOUT_MS, '5s'],
): Command =>
  command
    .addOption(
      new Option('--server <url>', 'control server')
        .env('SLUICE_SERVER')
        .default(DEFAULT_SERVER)
        .argParser(parseServer),
    )
    .addOption(
      new Option('--timeout <duration>', `${what}, such as 500ms or 10s`)
        .default(ms, text)
        .argParser(parseTimeout),
    )

/** Adds what a verb needs that asks the data plane, beside those of `withServer`. */
export const withDataPlane = (command: Command): Command =>
  withServer(command)
    .addOption(
      new Option('--url <url>', 'data plane; default: where control says it is').argParser(
        parseServer,
      ),
    )
    .option('--key-file <file>', 'file with the key to send')
    .option('--ca-file <file>', 'certificates in PEM that the server must be signed by')

/** What the help of a verb begins with. */
export const examples = (...lines: string[]): string => `Examples:\n  ${lines.join('\n  ')}\n`

/** Gets the exit code of the verb that ran. */
export type OnExit = (code: number) => void
