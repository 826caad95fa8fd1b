/** The verbs `sluice records ...`, with their flags and help. */

import { type Command, InvalidArgumentError, Option } from 'commander'
import { environment } from '../config/environment.ts'
import { systemClock } from '../shared/clock.ts'
import { RECORD_ROLES, type RecordRole } from '../shared/record-policy.ts'
import { examples, type OnExit } from './flags.ts'
import { warn } from './output.ts'
import type { PlaceOptions, RecordsPlace } from './records-place.ts'
import { parseSince } from './since.ts'

interface PlaceFlags {
  readonly path?: string
  readonly stateDir?: string
  readonly config?: string
}

/** Where the records are, by flags; read when a verb is used. What is in doubt is told. */
const placeOf = async (
  { path, stateDir, config }: PlaceFlags,
  how: Pick<PlaceOptions, 'use' | 'isWithoutSpool'>,
): Promise<RecordsPlace> => {
  const { recordsPlace } = await import('./records-place.ts')
  const found = { file: config, flags: {}, env: environment(), cwd: process.cwd() }
  const place = recordsPlace({ path, stateDir, ...how, config: found })
  place.doubts.forEach(warn)
  return place
}

const CONFIG = 'sluice.yaml that says where records are (default: ./sluice.yaml, if it exists)'
const STATE_DIR = 'state folder, whose spool has what is not in files yet'

const since = (what: string): Option =>
  new Option('--since <time>', `${what}, such as 10m or 2026-11-27T14:05Z`).argParser((text) =>
    parseSince(text, systemClock.now()),
  )

const addQuery = (records: Command, onExit: OnExit): void => {
  records
    .command('query')
    .description('Ask the recorded predictions by SQL')
    .argument(
      '<sql>',
      'a statement, or - for stdin; views: predictions, shadows, feedback, records, gaps',
    )
    .option('--path <dir>', 'folder of the records (default: records.path)')
    .option('--state-dir <dir>', STATE_DIR)
    .option('--no-spool', 'ask the files alone, without what is not in them yet')
    .addOption(since('look at no files of hours that ended before'))
    .option('--config <file>', CONFIG)
    .option('--json', 'as JSON, an array of rows')
    .addOption(new Option('--csv', 'as CSV').conflicts('json'))
    .option('--allow-files', 'let SQL read and write other files than the records')
    .addHelpText(
      'before',
      examples(
        'sluice records query "SELECT variant, count(*) FROM predictions GROUP BY ALL"',
        'sluice records query "SUMMARIZE predictions"',
        'sluice records query "FROM feedback" --json',
      ),
    )
    .action(async (sql, options) => {
      const place = await placeOf(options, { isWithoutSpool: !options.spool })
      const { query } = await import('./records-query.ts')
      onExit(await query(sql, { ...options, sinceMs: options.since ?? 0, place }))
    })
}

/** A flag that may be repeated. */
const several = (flags: string, text: string): Option =>
  new Option(flags, `${text}; may be repeated`)
    .default([], 'all')
    .argParser((value: string, before: readonly string[]) => [...before, value])

const LAST_MAX = 100_000

const parseLast = (text: string): number => {
  const last = /^\d{1,9}$/.test(text) ? Number(text) : LAST_MAX + 1
  if (last <= LAST_MAX) return last
  throw new InvalidArgumentError(`A number of records is wanted, 0 to ${LAST_MAX}`)
}

const isRole = (text: string): text is RecordRole =>
  (RECORD_ROLES as readonly string[]).includes(text)

const role = (text: string, before: readonly RecordRole[]): RecordRole[] => {
  if (isRole(text)) return [...before, text]
  throw new InvalidArgumentError(`A role is wanted: ${RECORD_ROLES.join(', ')}`)
}

const addTail = (records: Command, onExit: OnExit): void => {
  records
    .command('tail')
    .description('Show the latest records, and those that are made from now on')
    .argument('[path]', 'folder of the records (default: records.path)')
    .option('--state-dir <dir>', STATE_DIR)
    .option('--config <file>', CONFIG)
    .option('-f, --follow', 'go on with those that are made from now on')
    .addOption(
      new Option('-n, --last <number>', 'how many of the latest').default(20).argParser(parseLast),
    )
    .addOption(since('instead: all since then'))
    .addOption(several('--endpoint <name>', 'of this endpoint'))
    .addOption(several('--variant <name>', 'of this variant'))
    .addOption(
      new Option('--role <role>', `of this role: ${RECORD_ROLES.join(', ')}; may be repeated`)
        .default([], 'all')
        .argParser(role),
    )
    .addOption(several('--where-code <code>', 'with this error code'))
    .option('--json', 'one JSON record a line')
    .addOption(
      new Option('--proto', 'messages of proto/prediction.proto, each behind its length').conflicts(
        'json',
      ),
    )
    .addHelpText(
      'before',
      examples(
        'sluice records tail -f',
        'sluice records tail --since 10m --role refused --role failed',
        'sluice records tail -f --endpoint flight-delay --json',
      ),
    )
    .action(async (path, options) => {
      const {
        since: sinceMs,
        last,
        endpoint,
        variant,
        role,
        whereCode,
        follow,
        json,
        proto,
      } = options
      const { tail } = await import('./records-tail.ts')
      const filter = {
        ...{ endpoints: endpoint, variants: variant, roles: role, codes: whereCode },
        sinceMs: sinceMs ?? 0,
      }
      onExit(
        await tail({
          place: await placeOf({ ...options, path }, { use: follow ? 'waiting' : 'reading' }),
          filter,
          last: sinceMs === undefined ? last : null,
          follow: follow === true,
          form: json ? 'json' : proto ? 'proto' : 'text',
        }),
      )
    })
}

const addVerify = (records: Command, onExit: OnExit): void => {
  records
    .command('verify')
    .description('Prove that every request has its record, or the reason why it has none')
    .argument('[path]', 'folder of the records (default: records.path)')
    .option('--state-dir <dir>', STATE_DIR)
    .option('--config <file>', CONFIG)
    .option('--json', 'as JSON')
    .addHelpText('before', examples('sluice records verify', 'sluice records verify backup --json'))
    .addHelpText('after', '\nExit code 6: something is missing without a reason.')
    .action(async (path, options) => {
      const { verify } = await import('./records-verify.ts')
      const place = await placeOf({ ...options, path }, { use: 'proof' })
      onExit(await verify({ place, json: options.json === true }))
    })
}

/** Adds the verbs to the program. */
export const addRecords = (program: Command, onExit: OnExit): void => {
  const records = program
    .command('records')
    .description('What was predicted: ask it by SQL, watch it, prove that it is complete')
  addQuery(records, onExit)
  addTail(records, onExit)
  addVerify(records, onExit)
}
