/** `records`: what is written down of every prediction, and where. */

import { z } from 'zod'
import { TEXT_PATTERNS } from '../../../shared/record-policy.ts'
import { path } from '../path.ts'
import {
  idRedaction,
  keptCodes,
  keptRoles,
  latencyMs,
  patterns,
  rate,
  recordedFeatures,
  redactions,
} from '../redaction.ts'
import { count, GIB, MIB, setting } from '../setting.ts'

const section = <T extends z.ZodObject>(schema: T) => schema.prefault({} as z.input<T>)

const recordBytes = count(1024, 16 * MIB)

/** The same keys as those of all endpoints; what is not said here holds as it is said there. */
const endpoint = z.strictObject({
  enabled: z.boolean().optional(),
  sampling: z
    .strictObject({
      rate: rate.optional(),
      always: z
        .strictObject({
          roles: keptRoles.optional(),
          codes: keptCodes.optional(),
          latency_ms_min: latencyMs.optional(),
        })
        .optional(),
    })
    .optional(),
  features: recordedFeatures.optional(),
  redact: z
    .strictObject({
      features: redactions.optional(),
      outputs: redactions.optional(),
      request_id: idRedaction.optional(),
    })
    .optional(),
  redact_patterns: patterns.optional(),
  record_bytes_max: recordBytes.optional(),
})

export type EndpointRecordsYaml = z.output<typeof endpoint>

const spool = z.strictObject({
  bytes_max: setting(
    count(16 * MIB, 1024 * GIB).default(2 * GIB),
    'Most bytes of records on disk that are not shipped yet, all replicas together; at the bound `when_full` decides. Raise it so that a sink may be away for longer; lower it where the disk is small.',
  ),
  segment_bytes: setting(
    count(MIB, GIB).default(16 * MIB),
    'Size at which a file of the spool is closed and the next one begun. A file is deleted as a whole, once every sink has it.',
  ),
  segment_seconds: setting(
    z.number().min(1).max(86_400).default(60),
    'Age at which the same is done to a file that grows slowly.',
  ),
})

const file = z.strictObject({
  flush_seconds: setting(
    z.number().min(1).max(86_400).default(10),
    'Time between two Parquet files under steady traffic; after a quiet time the first records are in one within about a second. Raise it for fewer files: small ones become one when their hour is over.',
  ),
  flush_rows: setting(
    count(1000, 10_000_000).default(200_000),
    'Rows after which a Parquet file is written all the same. Lower it where memory is short.',
  ),
  retention_bytes: setting(
    count(0, 1_000_000 * GIB).default(10 * GIB),
    'Most bytes of Parquet files; beyond it the oldest hours are deleted. 0: any number.',
  ),
  retention_days: setting(
    z.number().min(0).max(36_500).default(30),
    'Days after which the files of an hour are deleted. 0: never.',
  ),
})

const always = z.strictObject({
  roles: setting(
    keptRoles.default(['refused', 'failed', 'feedback']),
    'Kinds of records that are kept whatever the rate is: `answer`, `shadow`, `refused`, `failed`; `feedback` always is.',
    'reload',
  ),
  codes: setting(
    keptCodes.default([]),
    'Codes of errors whose records are kept whatever the rate is.',
    'reload',
  ),
  latency_ms_min: setting(
    latencyMs.default(null),
    'Records of answers that took at least so many milliseconds are kept whatever the rate is. null: none for that reason.',
    'reload',
  ),
})

const sampling = z.strictObject({
  rate: setting(
    rate.default(1),
    'Share of predictions whose record is kept, 0 to 1; each record says with which probability it was. Lower it where records cost more than they are worth.',
    'reload',
  ),
  always: section(always),
})

const redact = z.strictObject({
  features: setting(
    redactions.default({}),
    'What is done to values of features before they are on disk, by name: `drop`, `hmac` (a keyed hash, see `hmac_key_file`), `mask` (letters and digits become `*`), or `{bucket: WIDTH}` for numbers. Of an endpoint without features the names are those of its tensors. A rule that fits no feature of any endpoint keeps the features of all out of the records until that is mended.',
    'reload',
  ),
  outputs: setting(
    redactions.default({}),
    'The same for outputs of models, `*` for all; what is derived from an output (score, prediction) has the same done to it. Of a model with a threshold the prediction is derived from the scores, whatever becomes of its label.',
    'reload',
  ),
  request_id: setting(
    idRedaction.default(null),
    'The same for the id that the client gave: `drop`, `hmac` or `mask`. null: it is kept.',
    'reload',
  ),
})

export const records = z.strictObject({
  enabled: setting(
    z.boolean().default(true),
    'Whether predictions are written down. Switched off, it costs nothing, and nothing can be looked up or judged afterwards.',
  ),
  path: setting(
    path.default('./data/records'),
    'Folder of the Parquet files, by endpoint, day and hour. Relative to this file; as variable, to the working folder.',
  ),
  durability: setting(
    z.enum(['memory', 'process', 'power']).default('memory'),
    'What an answer waits for. `memory`: nothing; a replica that is killed loses what it has not written yet, a quarter of a second. `process`: its record is in a file, and outlives the replica. `power`: it is on the disk, and outlives the machine.',
  ),
  when_full: setting(
    z.enum(['drop', 'wait']).default('drop'),
    'What becomes of predictions whose records have no room, in memory or on disk. `drop`: they are answered, and the records are counted as dropped, with the reason. `wait`: they are refused with 503 `RECORD_UNAVAILABLE`, an answer that waits for its record then after five seconds, or at its deadline with `DEADLINE_EXPIRED`, and none goes out without its record.',
  ),
  ring_bytes: setting(
    count(256 * 1024, GIB).default(4 * MIB),
    'Memory of each data thread for records on their way to disk. Raise it when `sluice_records_dropped_total{reason="ring_full"}` rises.',
  ),
  record_bytes_max: setting(
    recordBytes.default(64 * 1024),
    'Largest record; one that needs more keeps neither features nor outputs. At most an eighth of `ring_bytes`; more than any endpoint had at the start counts after a restart.',
    'reload',
  ),
  sampling: section(sampling),
  features: setting(
    recordedFeatures.default('declared'),
    'Features that are kept: `declared` (all that the endpoint has), `none`, or a list of names, of which each endpoint keeps those that it has. Whatever else a client sends is never written down.',
    'reload',
  ),
  redact: section(redact),
  redact_patterns: setting(
    patterns.default([...TEXT_PATTERNS]),
    'What is masked in every value of text, as a safety net: `email`, `phone`.',
    'reload',
  ),
  hmac_key_file: setting(
    path.nullable().default(null),
    'File with the secret key of `hmac`, 32 bytes or more, readable by nobody else (`openssl rand -hex 32`); by its group as well where root owns it, as with secrets of Kubernetes. The key is its text, without white space around it. Relative to this file.',
  ),
  endpoints: setting(
    z.record(z.string().min(1), endpoint).default({}),
    'What holds for single endpoints, by name, above what holds for all: any of `enabled`, `sampling`, `features`, `redact`, `redact_patterns`, `record_bytes_max`. Rules of `redact` are added to those for all; one for the same name takes its place, be it weaker or not.',
    'reload',
  ),
  spool: section(spool),
  file: section(file),
})
