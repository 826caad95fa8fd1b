/** docs/reference/records.md: what a record holds, in its three forms. */

import { GAP_REASON, gapReasonName } from '../src/records/reasons.ts'
import {
  FEEDBACK_COLUMNS,
  GAP_COLUMNS,
  PREDICTION_COLUMNS,
  type RecordColumn,
} from '../src/records/record-columns.ts'

/** Of columns that the JSON form does not have under their name. */
const NOT_IN_JSON: Readonly<Record<string, string>> = {
  row: 'place in `instances`',
  label_number: 'as `label`',
}

/** Why a sequence has no record, for its reader. */
const REASONS: Readonly<Record<Lowercase<keyof typeof GAP_REASON>, string>> = {
  sampled: '`records.sampling` left it out',
  ring_full: 'the memory between data thread and spool thread was full: `records.ring_bytes`',
  too_large: 'not even a record without features and outputs would fit',
  spool_full: 'the spool had `records.spool.bytes_max`: the shipper is behind, or away',
  disk_full: 'the disk was full',
  io_error: 'writing to the disk failed otherwise',
  corrupt: 'it was in a part of a segment that cannot be read',
  retention: 'it was in a file, and went with it when its time was over',
  killed: 'its process was killed before it was on disk',
  several:
    'of a run of several reasons that nobody had room to tell apart; it may hold records too',
  unaccounted: 'nobody accounted for it: a fault of Sluice',
  disabled: 'its endpoint is not recorded',
  unshippable:
    'the shipper ended whenever it was at it: it was set aside, and is in `spool/quarantine`',
}

type Row = (...cells: string[]) => string

const table = (columns: readonly RecordColumn[], row: Row): string[] => [
  row('column', 'type', 'in JSON', 'meaning'),
  '|---|---|---|---|',
  ...columns.map(({ name, type, meaning }) =>
    row(`\`${name}\``, type, NOT_IN_JSON[name] ?? 'the same', meaning),
  ),
]

/** `row` makes a row of a table; `notice` says that the page is generated. */
export const recordsPage = (row: Row, notice: string): string =>
  [
    '# Records',
    '',
    notice,
    '',
    'What is written down of every request, in three forms: rows of Parquet files, which `sluice records',
    'query` asks by SQL; JSON, a line for each record (`sluice records tail --json`); messages of',
    '`proto/prediction.proto` (`--proto`). [guides/records.md](../guides/records.md) says how they come',
    'about and what is promised. Columns are added, never changed or taken away.',
    '',
    '## Predictions',
    '',
    'A row for each instance of a request, one row for a request of which no instance is known. Beside',
    'these columns there is `f_<feature>` for each feature of the contract: DOUBLE for a number, BIGINT',
    'for an integer, BOOLEAN, or VARCHAR for a category, as far as its category is known, else as it was',
    'sent; of an endpoint without features, for each input tensor. A feature that is redacted is called',
    '`f_<feature>__hmac`, `__mask` (VARCHAR) or `__bucket` (DOUBLE, which of an integer beyond 2^53 is',
    'the nearest). `o_<output>` is an output of the model in the type that is nearest to its own. What',
    'has several elements a row is JSON in a VARCHAR, its buckets as well. Of two names that differ in',
    'case alone the second has `_2` behind it. Of files under `endpoint=<name>` the views have the',
    'columns `date` and `hour` too, of UTC; a condition on them leaves other rows unread.',
    '',
    ...table(PREDICTION_COLUMNS, row),
    '',
    'In JSON, a record is one flat object. `features` (an object by name), `score`, `prediction`, and',
    'where there are any `scores` and `outputs`, stand beside the others; of a request that was a list,',
    'they stand in `instances`, one object for each row. Times are RFC 3339 in UTC. NaN and infinities',
    'are the texts `NaN`, `Infinity` and `-Infinity`; integers that a double cannot hold are texts of',
    'their digits. In Parquet, NaN and infinities of DOUBLE are what they are.',
    '',
    '## Feedback',
    '',
    'A row for each item, under `endpoint=_feedback`; `endpoint` is that of the prediction, if it is known.',
    '',
    ...table(FEEDBACK_COLUMNS, row),
    '',
    '## Gaps',
    '',
    'Runs of sequences that have no record, under `_gaps`; the view `gaps`.',
    '',
    row('column', 'type', 'meaning'),
    '|---|---|---|',
    ...GAP_COLUMNS.map(({ name, type, meaning }) => row(`\`${name}\``, type, meaning)),
    '',
    row('reason', 'when'),
    '|---|---|',
    ...Object.values(GAP_REASON).map((reason) => {
      const name = gapReasonName(reason)
      return row(`\`${name}\``, REASONS[name as keyof typeof REASONS])
    }),
    '',
  ].join('\n')
