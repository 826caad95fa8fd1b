/**
 * A test double of a replica: a process that dials, says Hello and ends as its puppeteer says. It
 * serves nothing. What it does is told by `puppet` in its settings.
 */

import { connect } from 'node:net'
import { create } from '@bufbuild/protobuf'
import { CONTROL_PROTOCOL, type EnvelopeBody, envelopeCodec } from '../../proto/control-envelope.ts'
import {
  DrainedSchema,
  HelloSchema,
  ReportSchema,
  StatisticsSchema,
} from '../../proto/gen/control_pb.ts'
import type { ReplicaSettings } from '../../src/shared/epoch-plan.ts'
import { Link } from '../../src/shared/link.ts'
import { ownIdentity } from '../../src/shared/process-identity.ts'
import { settingsSha256 } from '../../src/shared/replica-settings.ts'

/**
 * obedient: as a real one, on Drain and on SIGTERM. mute: never dials. stubborn: says Hello, and
 * ignores Drain and SIGTERM. lingering: says that it drains, and does not come to its end. doomed:
 * exits with 78. brittle: exits with 1 at once. foreign: speaks another protocol, and serves on for
 * a while when it is refused. babbling: sends bytes that are no frames. reporting: reports news
 * after Hello.
 */
export type PuppetManner =
  | 'obedient'
  | 'mute'
  | 'stubborn'
  | 'lingering'
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

let control: Link<EnvelopeBody> | null = null

/** The last figures, by which a test knows them again. */
const finalFigures = (): EnvelopeBody => {
  const final = create(StatisticsSchema, { cpuSeconds: settings.incarnation })
  return { case: 'drained', value: create(DrainedSchema, { final }) }
}

const drain = async (): Promise<void> => {
  if (manner === 'stubborn' || manner === 'lingering') return
  await control?.call(finalFigures(), 5000)
  process.exit(0)
}

const report = (event: string, detail: string): void =>
  control?.tell({ case: 'report', value: create(ReportSchema, { event, detail }) })

const onMessage = (body: EnvelopeBody, answer: (body: EnvelopeBody) => void): void => {
  if (body.case === 'statisticsRequest') {
    answer({ case: 'statistics', value: create(StatisticsSchema) })
  }
  const isRefused = body.case === 'welcome' && body.value.refused !== ''
  if (isRefused && manner !== 'foreign') process.exit(1)
  if (body.case === 'drain') void drain()
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
    control = link
    link.tell(hello())
    if (manner === 'reporting') report('thread_silent', 'thread 1')
  })
}

process.stdout.write(`puppet ${settings.replica} of incarnation ${settings.incarnation}\n`)
if (manner === 'doomed') process.exit(78)
if (manner === 'brittle') process.exit(1)
process.on('SIGTERM', () => {
  if (manner !== 'stubborn') report('draining', 'SIGTERM')
  void drain()
})
setTimeout(() => process.exit(3), LIFE_MS_MAX)
if (manner !== 'mute') dial()
