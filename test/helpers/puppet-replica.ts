/**
 * A test double of a replica: a process that dials, says Hello and ends as its puppeteer says. It
 * serves nothing. What it does is told by `puppet` in its settings.
 */

import { connect } from 'node:net'
import { create } from '@bufbuild/protobuf'
import { CONTROL_PROTOCOL, type EnvelopeBody, envelopeCodec } from '../../proto/control-envelope.ts'
import { HelloSchema, ReportSchema, StatisticsSchema } from '../../proto/gen/control_pb.ts'
import type { ReplicaSettings } from '../../src/shared/epoch-plan.ts'
import { Link } from '../../src/shared/link.ts'
import { ownIdentity } from '../../src/shared/process-identity.ts'
import { settingsSha256 } from '../../src/shared/replica-settings.ts'

/**
 * obedient: as a real one. mute: never dials. stubborn: says Hello, ignores Drain and SIGTERM.
 * doomed: exits with 78. brittle: exits with 1 at once. foreign: speaks another protocol.
 * babbling: sends bytes that are no frames. reporting: reports news after Hello.
 */
export type PuppetManner =
  | 'obedient'
  | 'mute'
  | 'stubborn'
  | 'doomed'
  | 'brittle'
  | 'foreign'
  | 'babbling'
  | 'reporting'

export interface PuppetSettings extends ReplicaSettings {
  readonly puppet: PuppetManner
}

const DIAL_AGAIN_MS = 20
/** Nothing outlives a test run, whatever becomes of its clean-up. */
const LIFE_MS_MAX = 60_000

const settings = JSON.parse(process.argv[2] ?? '{}') as PuppetSettings
const manner = settings.puppet

const hello = (): EnvelopeBody => ({
  case: 'hello',
  value: create(HelloSchema, {
    protocol: manner === 'foreign' ? CONTROL_PROTOCOL + 1 : CONTROL_PROTOCOL,
    replica: settings.replica,
    pid: process.pid,
    startTime: ownIdentity().startTime,
    incarnation: BigInt(settings.incarnation),
    settingsSha256: settingsSha256(settings),
  }),
})

const onMessage = (body: EnvelopeBody, answer: (body: EnvelopeBody) => void): void => {
  if (body.case === 'statisticsRequest') {
    answer({ case: 'statistics', value: create(StatisticsSchema) })
  }
  if (body.case === 'welcome' && body.value.refused !== '') process.exit(1)
  if (body.case === 'drain' && manner !== 'stubborn') process.exit(0)
}

const dial = (): void => {
  const socket = connect(settings.socketPath)
  socket.on('error', () => {})
  socket.once('close', () => setTimeout(dial, DIAL_AGAIN_MS))
  socket.once('connect', () => {
    if (manner === 'babbling') {
      socket.write(Buffer.alloc(64, 255))
      return
    }
    const link = new Link(
      socket,
      envelopeCodec,
      { onMessage, onClose: () => {} },
      { frameBytesMax: 1024 * 1024 },
    )
    link.tell(hello())
    if (manner !== 'reporting') return
    const value = create(ReportSchema, { event: 'thread_silent', detail: 'thread 1' })
    link.tell({ case: 'report', value })
  })
}

process.stdout.write(`puppet ${settings.replica} of incarnation ${settings.incarnation}\n`)
if (manner === 'doomed') process.exit(78)
if (manner === 'brittle') process.exit(1)
if (manner === 'stubborn') process.on('SIGTERM', () => {})
setTimeout(() => process.exit(3), LIFE_MS_MAX)
if (manner !== 'mute') dial()
