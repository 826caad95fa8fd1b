/** Files of `src/cli` that are tested with whole commands: part of `tested-by.ts`. */

export const VERBS_TESTED_BY: Readonly<Record<string, readonly string[]>> = {
  'test/integration/cli-check.test.ts': [
    'src/cli/check-repository.ts',
    'src/cli/check.ts',
    'src/cli/program.ts',
    'src/main.ts',
  ],
  'test/integration/cli-client.test.ts': ['src/cli/plane-access.ts'],
  'test/integration/feedback-import.test.ts': [
    'src/cli/feedback-import.ts',
    'src/cli/feedback-program.ts',
    'src/cli/feedback-sender.ts',
    'src/cli/progress-line.ts',
  ],
  'test/integration/records-query.test.ts': [
    'src/cli/flags.ts',
    'src/cli/interruption.ts',
    'src/cli/records-program.ts',
    'src/cli/records-query.ts',
  ],
  'test/integration/records-tail.test.ts': ['src/cli/records-tail.ts', 'src/cli/tail-source.ts'],
}
