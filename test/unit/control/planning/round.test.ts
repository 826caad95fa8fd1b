import { create } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import type { EnvelopeBody } from '../../../../proto/control-envelope.ts'
import { CommittedSchema, PreparedSchema } from '../../../../proto/gen/control_pb.ts'
import { preparationOf } from '../../../../src/control/planning/round.ts'
import { encodeJson, type PrepareFailure } from '../../../../src/shared/epoch-plan.ts'

const FAILURE: PrepareFailure = { model: 'a', version: 1, code: 'PREPARE_FAILED', detail: 'no' }

const prepared = (failures: Uint8Array): EnvelopeBody => ({
  case: 'prepared',
  value: create(PreparedSchema, { epoch: 1n, failures }),
})
const committed: EnvelopeBody = { case: 'committed', value: create(CommittedSchema, {}) }

test.each([
  ['ready', prepared(encodeJson([])), 'ready'],
  ['what it cannot load', prepared(encodeJson([FAILURE])), [FAILURE]],
  ['what cannot be read', prepared(new TextEncoder().encode('{')), 'left'],
  ['what nobody asked', committed, 'left'],
  ['nothing, since it died', 'died', 'died'],
  ['nothing, since it leaves', 'left', 'left'],
] as const)('a replica says: %s', (_, answer, came) => {
  expect(preparationOf(answer)).toEqual(came)
})
