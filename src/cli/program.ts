/** All verbs of the `sluice` command, with their flags and help. A verb is loaded when used. */

import { Command, CommanderError } from 'commander'
import { environment } from '../config/environment.ts'
import type { LoadOptions } from '../config/load.ts'
import { GatewayError } from '../shared/errors.ts'
import { VERSION } from '../shared/version.ts'
import { complain, EXIT } from './output.ts'

type Flags = Record<string, string | undefined>

/** Flags that override sluice.yaml, in the order of the help. */
const GATEWAY_FLAGS: readonly (readonly [string, string])[] = [
  ['--config <file>', 'sluice.yaml to read (default: ./sluice.yaml, if it exists)'],
  ['--model-repository <dir>', 'folder of the models'],
  ['--host <address>', 'address of the data plane; 0.0.0.0 opens it to the network'],
  ['--http-port <port>', 'port of the data plane; 0 takes a free one'],
  ['--control-port <port>', 'port of metrics and admin API; 0 takes a free one'],
  ['--replicas <n>', 'serving processes'],
  ['--threads <n>', 'data threads per replica'],
  ['--http <engine>', 'uws or node'],
  ['--state-dir <dir>', 'folder for locks, socket, proven models, logs'],
  ['--model-control-mode <mode>', 'none: the repository, read at start and on SIGHUP'],
]

/** commander gives camelCase names; the config knows flags as they are typed. */
const loadOptions = (options: Record<string, string | undefined>): LoadOptions => {
  const flags: Flags = {}
  for (const [name, value] of Object.entries(options)) {
    flags[name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)] = value
  }
  return { file: options['config'], flags, env: environment(), cwd: process.cwd() }
}

const withGatewayFlags = (command: Command): Command => {
  for (const [flag, text] of GATEWAY_FLAGS) command.option(flag, text)
  return command
}

const withServer = (command: Command): Command =>
  command.option('--server <url>', 'control server (default: SLUICE_SERVER or :8002)')

const examples = (...lines: string[]): string => `Examples:\n  ${lines.join('\n  ')}\n`

/** `onExit` gets the exit code of the verb that ran. */
const buildProgram = (onExit: (code: number) => void): Command => {
  const program = new Command('sluice')
    .description('Serves ONNX models over HTTP: versions under control, every request counted.')
    .version(VERSION)
    .showSuggestionAfterError()
    .showHelpAfterError('(sluice --help shows all verbs)')
    .exitOverride()
    .addHelpText(
      'before',
      examples('sluice serve --model-repository models', 'sluice status', 'sluice check'),
    )
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 failure, 2 usage, 3 invalid input, 4 unreachable, 130 interrupted',
    )
  withGatewayFlags(program.command('serve').description('Serve a model repository'))
    .addHelpText(
      'before',
      examples(
        'sluice serve --model-repository models',
        'sluice serve --config sluice.yaml --host 0.0.0.0',
      ),
    )
    .action(async (options) => {
      const { serve } = await import('./serve.ts')
      onExit(await serve(loadOptions(options)))
    })
  withGatewayFlags(program.command('check').description('Say everything that is wrong'))
    .option('--json', 'as JSON')
    .addHelpText('before', examples('sluice check', 'sluice check --model-repository models'))
    .action(async ({ json, ...options }) => {
      const { check } = await import('./check.ts')
      onExit(check({ ...loadOptions(options), json }))
    })
  withServer(program.command('status').description('Replicas, endpoints, latencies, warnings'))
    .option('--json', 'as JSON')
    .addHelpText('before', examples('sluice status', 'sluice status --json'))
    .action(async (options) => {
      const { status } = await import('./status.ts')
      onExit(await status(options))
    })
  withServer(program.command('models').description('Versions, their states and why'))
    .option('--json', 'as JSON')
    .addHelpText('before', examples('sluice models', 'sluice models --json'))
    .action(async (options) => {
      const { models } = await import('./models.ts')
      onExit(await models(options))
    })
  withServer(program.command('predict').description('Send one request'))
    .argument('[endpoint]', 'endpoint; the default one if there is one')
    .requiredOption('-d, --data <body>', 'JSON, @file, or - for stdin; a bare row will do')
    .option('--explain', 'print timing and routing headers on stderr')
    .addHelpText(
      'before',
      examples(
        `sluice predict flight-delay -d '{"distance": 1400, "carrier": "UA", ...}'`,
        'sluice predict flight-delay -d @row.json --explain',
      ),
    )
    .action(async (endpoint, options) => {
      const { predict } = await import('./predict.ts')
      onExit(await predict(endpoint, options))
    })
  return program
}

const exitCodeOf = (thrown: unknown): number => {
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXIT.OK : EXIT.USAGE
  if (!(thrown instanceof GatewayError)) throw thrown
  complain(`✖ ${thrown.code}: ${thrown.message}`)
  return thrown.code === 'CONTROL_UNREACHABLE' ? EXIT.UNREACHABLE : EXIT.FAILURE
}

/** Runs one verb of a command line; resolves with the exit code of the process. */
export const runProgram = async (argv: readonly string[]): Promise<number> => {
  let code: number = EXIT.OK
  try {
    const program = buildProgram((verbCode) => {
      code = verbCode
    })
    if (argv.length <= 2) program.help()
    await program.parseAsync(argv)
  } catch (thrown) {
    return exitCodeOf(thrown)
  }
  return code
}
