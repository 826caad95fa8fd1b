/** The verbs `sluice records ...`, with their flags and help. */

import type { Command } from 'commander'
import { examples, type OnExit } from './flags.ts'

const DEFAULT_PATH = './data/records'

const addQuery = (records: Command, onExit: OnExit): void => {
  records
    .command('query')
    .description('Ask the recorded predictions by SQL')
    .argument(
      '<sql>',
      'one statement, or - for stdin; views: predictions, shadows, feedback, records',
    )
    .option('--path <dir>', 'folder of the records', DEFAULT_PATH)
    .option('--json', 'as JSON, an array of rows')
    .option('--csv', 'as CSV')
    .option('--allow-files', 'let SQL read and write other files than the records')
    .addHelpText(
      'before',
      examples(
        `sluice records query "SELECT variant, count(*), avg(score) FROM predictions GROUP BY ALL"`,
        `sluice records query "SUMMARIZE predictions"`,
        `sluice records query "FROM feedback" --json`,
      ),
    )
    .action(async (sql, options) => {
      const { query } = await import('./records-query.ts')
      onExit(await query(sql, options))
    })
}

/** Adds the verbs to the program. */
export const addRecords = (program: Command, onExit: OnExit): void => {
  const records = program
    .command('records')
    .description('What was predicted: ask it by SQL, watch it, prove that it is complete')
  addQuery(records, onExit)
}
