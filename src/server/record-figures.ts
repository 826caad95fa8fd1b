/** What a replica tells control of its records. */

import { create } from '@bufbuild/protobuf'
import { type RecordFigures, RecordFiguresSchema } from '../../proto/gen/control_pb.ts'
import { GAP_REASON_COUNT } from '../records/reasons.ts'
import { RING_DOUBLE, RING_WORD } from '../records/ring/record-ring.ts'
import { ANSWER_FIGURE, type RecordMemory, SPOOL_FIGURE } from '../records/spool/spool-memory.ts'
import { THREAD_GAUGES } from '../shared/shared-memory.ts'

const REASONS = Array.from({ length: GAP_REASON_COUNT }, (_, reason) => reason)

/** What has ended is read before what has begun, so that no more ends than has begun. */
export const recordFigures = ({ spool, gaps, answers, rings }: RecordMemory): RecordFigures => {
  const { figures, gauges } = spool
  const spooled = figures[SPOOL_FIGURE.RECORDS]!
  const dropped = REASONS.map((reason) =>
    gaps.reduce((sum, own) => sum + own[reason]!, figures[SPOOL_FIGURE.FAILED + reason]!),
  )
  const sumOf = (figure: number) => answers.reduce((sum, own) => sum + own[figure]!, 0)
  return create(RecordFiguresSchema, {
    taken: rings.map(({ headDoubles }) => headDoubles[RING_DOUBLE.TAKEN]!),
    ...{ spooled, dropped },
    undurable: sumOf(ANSWER_FIGURE.UNDURABLE),
    held: sumOf(ANSWER_FIGURE.HELD),
    bytes: figures[SPOOL_FIGURE.BYTES]!,
    writes: figures[SPOOL_FIGURE.WRITES]!,
    writeSeconds: figures[SPOOL_FIGURE.WRITE_SECONDS]!,
    syncs: figures[SPOOL_FIGURE.SYNCS]!,
    syncSeconds: figures[SPOOL_FIGURE.SYNC_SECONDS]!,
    faults: figures[SPOOL_FIGURE.FAULTS]!,
    folderBytes: figures[SPOOL_FIGURE.FOLDER_BYTES]!,
    folderSegments: figures[SPOOL_FIGURE.FOLDER_SEGMENTS]!,
    spoolState: rings.reduce((state, { head }) => state || head[RING_WORD.SPOOL_STATE]!, 0),
    cpuSeconds: gauges[THREAD_GAUGES.CPU_SECONDS]!,
  })
}
