/** The part of `TESTED_BY` that is about prediction records. */
export const RECORDS_TESTED_BY: Readonly<Record<string, readonly string[]>> = {
  'test/integration/shipper.test.ts': [
    'src/control/records/shipper-process.ts',
    'src/records/shipper.ts',
    'src/records/shipping/shipper-messages.ts',
  ],
  'test/property/shipping.test.ts': [
    'src/records/files/unfinished.ts',
    'src/records/shipping/frame-views.ts',
    'src/records/shipping/lane-book.ts',
    'src/records/shipping/lane-intake.ts',
    'src/records/shipping/lane.ts',
  ],
  'test/unit/control/planning/record-rules.test.ts': [
    'src/control/planning/output-rules.ts',
    'src/control/planning/ruled-endpoint.ts',
  ],
  'test/unit/config/records.test.ts': ['src/config/schemas/redaction.ts'],
  'test/unit/control/figures/record-metrics.test.ts': [
    'src/control/figures/metric-entry.ts',
    'src/control/figures/record-metric-table.ts',
  ],
  'test/unit/server/recording.test.ts': ['src/server/release.ts', 'src/server/thread-records.ts'],
  'test/unit/records/file-sink.test.ts': ['src/records/files/file-writer.ts'],
  'test/unit/records/table/entry-rows.test.ts': [
    'src/records/table/answer-fills.ts',
    'src/records/table/base-fills.ts',
    'src/records/table/elements.ts',
    'src/records/table/entry-text.ts',
    'src/records/table/fills.ts',
    'src/records/table/row-places.ts',
  ],
  'test/unit/records/verify.test.ts': [
    'src/records/verify/columns.ts',
    'src/records/verify/record-reading.ts',
    'src/records/verify/spool-count.ts',
  ],
}
