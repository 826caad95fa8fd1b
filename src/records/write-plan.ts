/** What a data thread does for every record of one layout, compiled when an epoch is prepared. */

import { REASONS, reasonIndex } from '../shared/counters.ts'
import { ERROR_CODES } from '../shared/errors.ts'
import { RECORD_ROLES } from '../shared/record-policy.ts'
import type { Datatype } from '../shared/tensor.ts'
import { UNIT_BYTES } from './entry.ts'
import type { LayoutTensor, RecordLayout } from './record-layout.ts'
import { ROLE } from './write-facts.ts'

/** How elements are copied: by their width, floats apart. */
export const COPY = {
  BYTES1: 0,
  BYTES2: 1,
  BYTES4: 2,
  BYTES8: 3,
  FP32: 4,
  FP64: 5,
  TEXT: 6,
} as const

const COPIES: Readonly<Record<Datatype, number>> = {
  BOOL: COPY.BYTES1,
  UINT8: COPY.BYTES1,
  INT8: COPY.BYTES1,
  UINT16: COPY.BYTES2,
  INT16: COPY.BYTES2,
  UINT32: COPY.BYTES4,
  INT32: COPY.BYTES4,
  UINT64: COPY.BYTES8,
  INT64: COPY.BYTES8,
  FP32: COPY.FP32,
  FP64: COPY.FP64,
  BYTES: COPY.TEXT,
}

/** Bytes of one element by COPY; of a text: the word that says how long it is. */
const COPY_BYTES = [1, 2, 4, 8, 4, 8, 4] as const

export interface TensorPlan {
  readonly copy: number
  readonly elementBytes: number
  /** -1: free. */
  readonly rowElements: number
}

export interface SectionPlan {
  readonly tensors: readonly TensorPlan[]
  readonly hasRows: boolean
  /** Bytes of a row in all tensors, or of the whole without rows; and what padding may add. */
  readonly rowBytes: number
  readonly paddingBytes: number
  /** Some tensor has texts, or no fixed shape: what it holds is in no figure here. */
  readonly isOpen: boolean
}

export interface WritePlan {
  readonly layout: number
  readonly isRecorded: boolean
  /** Records whose hash is below are kept: 0 none, 2 ** 32 all. */
  readonly threshold: number
  /** With which probability that is. */
  readonly probability: number
  /** By role and by code: 1 is kept whatever its hash. */
  readonly keepsRole: Uint8Array
  readonly keepsCode: Uint8Array
  /** Answers that took at least so long are kept as well; Infinity: none for that reason. */
  readonly latencyMsMin: number
  /** null: they are not kept, as where nothing is. */
  readonly inputs: SectionPlan | null
  readonly outputs: SectionPlan | null
  readonly bytesMax: number
  /** Whether anything of a client's id is on disk. */
  readonly keepsRequestId: boolean
}

/** How elements of a datatype are copied. */
export const copyOf = (datatype: Datatype): number => COPIES[datatype]
/** Bytes of one element by how it is copied. */
export const copyBytes = (copy: number): number => COPY_BYTES[copy]!

const sectionOf = (layout: readonly LayoutTensor[], hasRows: boolean): SectionPlan => {
  const tensors = layout.map(({ datatype, rowElements }) => ({
    ...{ copy: copyOf(datatype), elementBytes: copyBytes(copyOf(datatype)), rowElements },
  }))
  return {
    ...{ tensors, hasRows },
    rowBytes: tensors.reduce(
      (sum, { elementBytes, rowElements }) => sum + elementBytes * Math.max(0, rowElements),
      0,
    ),
    paddingBytes: tensors.length * UNIT_BYTES,
    isOpen: tensors.some(({ copy, rowElements }) => copy === COPY.TEXT || rowElements < 0),
  }
}

export const writePlanOf = (layout: RecordLayout): WritePlan => {
  const { policy, inputs, outputs, hasRows } = layout
  const { isRecorded, always, rate, recordBytesMax } = policy
  const keepsRole = Uint8Array.from(RECORD_ROLES, (role) => (always.roles.includes(role) ? 1 : 0))
  keepsRole[ROLE.feedback] = 1
  const keepsCode = new Uint8Array(REASONS)
  for (const code of ERROR_CODES) if (always.codes.includes(code)) keepsCode[reasonIndex(code)] = 1
  const probability = Math.min(1, Math.max(0, rate))
  return {
    ...{ layout: layout.id, isRecorded, probability, keepsRole, keepsCode },
    threshold: Math.round(probability * 2 ** 32),
    latencyMsMin: always.latencyMsMin ?? Number.POSITIVE_INFINITY,
    inputs: isRecorded && policy.keepsFeatures ? sectionOf(inputs, hasRows) : null,
    outputs: isRecorded && policy.keepsOutputs ? sectionOf(outputs, hasRows) : null,
    bytesMax: recordBytesMax,
    keepsRequestId: policy.requestId?.kind !== 'drop',
  }
}
