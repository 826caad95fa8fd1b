/** All verbs of the `sluice` command, with their flags and help. A verb is loaded when used. */

import { Command, CommanderError, Option } from 'commander'
import { environment, forbidTelemetry } from '../config/environment.ts'
import type { LoadOptions } from '../config/load.ts'
import { VERSION } from '../shared/version.ts'
import { addFeedback } from './feedback-program.ts'
import { examples, type OnExit, withDataPlane, withServer } from './flags.ts'
import { EXIT, guardStreams, reportFailure } from './output.ts'
import { addRecords } from './records-program.ts'

type Flags = Record<string, string | undefined>

/** Flags that override sluice.yaml, in the order of the help. */
const GATEWAY_FLAGS: readonly (readonly [string, string])[] = [
  ['--config <file>', 'sluice.yaml to read (default: ./sluice.yaml, if it exists)'],
  ['--model-repository <dir>', 'folder of the models'],
  ['--host <address>', 'address of the data plane; 0.0.0.0 opens it to the network'],
  ['--http-port <port>', 'HTTP port of the data plane; 0 takes a free one'],
  ['--grpc-port <port>', 'port of gRPC; 0 takes a free one, null serves none'],
  ['--control-port <port>', 'port of metrics and admin API; 0 takes a free one'],
  ['--metrics-listen <host:port>', 'where metrics and health are served beside the control port'],
  ['--replicas <n>', 'serving processes'],
  ['--threads <n>', 'data threads per replica'],
  ['--http <engine>', 'uws or node'],
  ['--state-dir <dir>', 'folder for locks, socket, proven models, logs'],
  ['--model-control-mode <mode>', 'none, poll or explicit: who has models loaded'],
]

/** A flag that may be repeated, as the text of a list: how a file or variable would have it. */
const listed = (name: string, before?: string): string =>
  JSON.stringify([...(before === undefined ? [] : (JSON.parse(before) as string[])), name])

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
  const loadModel = 'model to load at start in the mode explicit; * for all; may be repeated'
  return command.addOption(new Option('--load-model <name>', loadModel).argParser(listed))
}

const RESTART_MS = 600_000

const addRestart = (program: Command, onExit: OnExit): void => {
  const restart = program.command('restart').description('Replace all replicas, without an outage')
  withServer(restart, 'longest wait for the last replica', [RESTART_MS, '10m'])
    .option('--json', 'as JSON')
    .addHelpText('before', examples('sluice restart', 'sluice restart --timeout 2m'))
    .action(async (options) => {
      const verb = await import('./restart.ts')
      onExit(await verb.restart(options))
    })
}

const addPredict = (program: Command, onExit: OnExit): void => {
  withDataPlane(program.command('predict').description('Send one request'))
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
}

const addKey = (program: Command, onExit: OnExit): void => {
  const key = program.command('key').description('Keys of the data plane')
  key
    .command('new')
    .description('Make a key and the hash that the config knows it by')
    .option('--json', 'as JSON')
    .addHelpText('before', examples('sluice key new', 'sluice key new --json'))
    .action(async (options) => {
      const { newKey } = await import('./key.ts')
      onExit(newKey(options))
    })
}

/** `onExit` gets the exit code of the verb that ran. */
const buildProgram = (onExit: OnExit): Command => {
  const program = new Command('sluice')
    .description(
      'Serves ONNX models over HTTP and gRPC: versions under control, every request counted.',
    )
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
      '\nExit codes: 0 done, 1 failure, 2 usage, 3 invalid input, 4 unreachable, 5 refused by policy,\n6 negative verdict, 7 timed out, 130 interrupted. Settings are also variables: docs/reference/config.md',
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
      // First: what serves takes a moment to load, in which a signal must not be lost.
      const { listenForSignals } = await import('./signals.ts')
      const signals = listenForSignals()
      const { serve } = await import('./serve.ts')
      onExit(await serve(loadOptions(options), signals))
    })
  withGatewayFlags(program.command('check').description('Say everything that is wrong'))
    .option('--json', 'as JSON')
    .option('--no-models', 'do not open the models')
    .addHelpText('before', examples('sluice check', 'sluice check --model-repository models'))
    .action(async ({ json = false, models, ...options }) => {
      const { check } = await import('./check.ts')
      onExit(await check({ ...loadOptions(options), isJson: json, isProving: models }))
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
  addKey(program, onExit)
  addRestart(program, onExit)
  addPredict(program, onExit)
  addRecords(program, onExit)
  addFeedback(program, onExit)
  return program
}

/** SQL that begins with a comment, which is no flag: of these none has a blank in its name. */
const COMMENT = /^--[^=\s]*\s/

/** Runs one verb of a command line; resolves with the exit code of the process. */
export const runProgram = async (argv: readonly string[]): Promise<number> => {
  guardStreams()
  forbidTelemetry()
  let code: number = EXIT.OK
  try {
    const program = buildProgram((verbCode) => {
      code = verbCode
    })
    if (argv.length <= 2) program.help()
    await program.parseAsync(argv.map((text) => (COMMENT.test(text) ? ` ${text}` : text)))
  } catch (thrown) {
    // commander has said what is wrong with the command line, or printed the help.
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXIT.OK : EXIT.USAGE
    return reportFailure(thrown)
  }
  return code
}
