/** The verbs `sluice feedback ...`, with their flags and help. */

import { type Command, InvalidArgumentError, Option } from 'commander'
import { examples, type OnExit, withDataPlane } from './flags.ts'

const parseLine = (text: string): number => {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('The number of a line is wanted, from 1')
}

const parseDelimiter = (text: string): string => {
  if (text === 'tab') return '\t'
  if ([...text].length === 1 && !/["\r\n]/.test(text)) return text
  throw new InvalidArgumentError('One character is wanted, or tab')
}

/** Adds the verbs to the program. */
export const addFeedback = (program: Command, onExit: OnExit): void => {
  const feedback = program.command('feedback').description('Labels of predictions')
  withDataPlane(feedback.command('import').description('Send labels out of a file of CSV'))
    .argument(
      '<file>',
      'columns prediction_id or request_id, label, row, observed_at, endpoint; - for stdin',
    )
    .option('--endpoint <name>', 'endpoint of rows that name none')
    .option('--text-labels', 'labels are texts, whatever they look like')
    .addOption(
      new Option('--delimiter <character>', 'between values, or tab')
        .default(',')
        .argParser(parseDelimiter),
    )
    .addOption(
      new Option('--from-line <number>', 'leave out the rows of earlier lines')
        .default(1)
        .argParser(parseLine),
    )
    .option(
      '--rejected-file <file>',
      'rows that are not taken, and why (default: <file>.rejected.csv)',
    )
    .option('--json', 'as JSON')
    .addHelpText(
      'before',
      examples(
        'sluice feedback import labels.csv',
        'sluice feedback import labels.csv --endpoint flight-delay --key-file key.txt',
      ),
    )
    .action(async (file, options) => {
      const { importFeedback } = await import('./feedback-import.ts')
      onExit(await importFeedback(file, { ...options, textLabels: options.textLabels === true }))
    })
}
