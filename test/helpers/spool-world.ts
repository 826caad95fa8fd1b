/**
 * A replica and its spool in a world that fails: calls that fail, threads, processes and machines
 * that die in the middle of any call, a shipper that deletes what is complete. Afterwards, what was
 * promised must be there, and nothing else may be.
 */

import { join } from 'node:path'
import { GAP_REASON } from '../../src/records/reasons.ts'
import type { FileCalls } from '../../src/records/spool/file-calls.ts'
import {
  isSucceeded,
  parseSegmentName,
  type SegmentName,
  segmentName,
} from '../../src/records/spool/segment-names.ts'
import type { SpoolSettings } from '../../src/records/spool/spool-messages.ts'
import type { CrashFiles } from './crash-files.ts'
import { Crash, type FailingFiles, type Fault, failingFiles } from './failing-files.ts'
import { fateOf, producerKey, readSpool, type SpoolContent } from './spool-content.ts'
import { type Death, ENTRY_BYTES_MAX, type SpoolAction, type SpoolPlan } from './spool-plans.ts'
import { FOLDER, folderBytes, RigClock, SpoolRig, spoolDisk, spoolSettings } from './spool-rig.ts'

/** Of a segment: its header, accounts, layouts. */
const OVERHEAD_BYTES = 6000
/** A last word is written however full the folder is: a header, the accounts of two, a seal. */
const LAST_WORD_BYTES = 352

/** A replica that is no more, and what it had promised. */
interface Life {
  readonly rig: SpoolRig
  readonly promised: readonly (readonly number[])[]
  readonly end: 'drained' | Death
}

class SpoolWorld {
  readonly #plan: SpoolPlan
  readonly #disk: CrashFiles = spoolDisk()
  readonly #clock = new RigClock()
  #lives: Life[] = []
  readonly #shipped: SpoolContent = { producers: new Map(), segments: [] }
  readonly faults: string[] = []
  #failing: { call: keyof FileCalls | null; after: number; times: number; fault: Fault }[] = []
  #death: (SpoolAction & { do: 'die' }) | null = null
  #deathIn = 0
  #files: FailingFiles
  #rig: SpoolRig
  #seed: number
  #incarnation = 1

  constructor(plan: SpoolPlan) {
    this.#plan = plan
    this.#seed = plan.seed
    this.#files = this.#makeFiles()
    this.#rig = this.#makeRig()
  }

  run(): string[] {
    this.#guard(() => this.#rig.spool.begin())
    for (const each of this.#plan.actions) this.#do(each)
    this.#failing = []
    this.#death = null
    this.#clock.pass(1001)
    this.#restart()
    this.#check()
    return this.faults
  }

  #do(each: SpoolAction): void {
    switch (each.do) {
      case 'produce': {
        const producer = this.#rig.producers[each.thread]!
        for (let i = 0; i < each.count; i++) producer.produce(each.bytes, each.layout)
        return
      }
      case 'skip':
        this.#rig.producers[each.thread]!.skip(GAP_REASON.SAMPLED)
        return
      case 'flush':
        this.#rig.producers[each.thread]!.flush()
        return
      case 'step':
        this.#guard(() => this.#rig.spool.step())
        return
      case 'pass':
        this.#clock.pass(each.ms)
        return
      case 'ship':
        this.#ship()
        return
      case 'fail':
        this.#failing.push({ ...each })
        return
      case 'die':
        this.#death = each
        this.#deathIn = each.after
        return
      case 'restart':
        this.#restart()
    }
  }

  /** Calls that may be the last of this process. */
  #guard(task: () => void): void {
    const before = this.#folderBytes()
    try {
      task()
    } catch (error) {
      if (!(error instanceof Crash)) throw error
    }
    if (this.#files.isCrashed) this.#bury()
    else this.#checkBound(before)
  }

  #restart(): void {
    let isDrained = false
    for (let times = 0; times < 6 && !isDrained; times++) {
      const { rig } = { rig: this.#rig }
      for (const producer of rig.producers) producer.flush()
      // A data thread ends when its last gap is in the ring.
      const areDone = rig.producers.every(({ isSettled }) => isSettled)
      this.#guard(() => {
        if (areDone) isDrained = rig.spool.finish()
        else rig.work()
      })
      if (this.#rig !== rig) return
      this.#clock.pass(1001)
      // At the bound it waits for the shipper.
      this.#ship()
    }
    if (!isDrained) this.#rig.spool.giveUp()
    this.#end(isDrained ? 'drained' : 'process')
  }

  #bury(): void {
    const { how, share } = this.#death!
    this.#death = null
    if (how === 'thread') {
      this.#files = this.#makeFiles()
      this.#rig.replace(this.#files)
      return
    }
    if (how === 'power') this.#disk.failPower(() => this.#random() < share)
    else this.#disk.kill()
    this.#end(how)
  }

  #end(end: Life['end']): void {
    const promised = this.#rig.producers.map((each) => each.durable())
    this.#lives.push({ rig: this.#rig, promised, end })
    // Nobody has promised that anything outlives this, of earlier lives neither.
    if (end === 'power' && this.#plan.durability !== 'power') {
      this.#lives = this.#lives.map(({ rig }) => ({ rig, promised: [[], []], end }))
    }
    this.#incarnation++
    this.#files = this.#makeFiles()
    this.#rig = this.#makeRig()
    this.#guard(() => this.#rig.spool.begin())
  }

  #makeRig(): SpoolRig {
    const { durability, bytesMax, segmentBytesMax } = this.#plan
    const incarnation = this.#incarnation
    const given: Partial<SpoolSettings> = { durability, bytesMax, segmentBytesMax, incarnation }
    return new SpoolRig({ files: this.#files, settings: spoolSettings(given), clock: this.#clock })
  }

  #makeFiles(): FailingFiles {
    return failingFiles(this.#disk, (call) => {
      if (this.#death !== null && this.#deathIn-- <= 0) return { crash: this.#death.where }
      const found = this.#failing.find((each) => each.call === null || each.call === call)
      if (found === undefined || found.after-- > 0) return null
      if (--found.times <= 0) this.#failing = this.#failing.filter((each) => each !== found)
      return found.fault
    })
  }

  /** Numbers from 0 to 1, the same in every run of a plan. */
  #random(): number {
    this.#seed = (Math.imul(this.#seed, 1_664_525) + 1_013_904_223) | 0
    return (this.#seed >>> 0) / 2 ** 32
  }

  /** Takes what is complete, and deletes it. */
  #ship(): void {
    if (this.#disk.stat(FOLDER) === null) return
    const names = this.#disk.readdir(FOLDER).map((name) => parseSegmentName(name)!)
    const content = readSpool(this.#disk, FOLDER, this.#shipped)
    const isEnded = (name: SegmentName): boolean =>
      isSucceeded(name, names) ||
      content.segments.some(
        (each) => segmentName(each.name) === segmentName(name) && each.read.end === 'sealed',
      )
    for (const name of names) {
      if (isEnded(name)) this.#disk.unlink(join(FOLDER, segmentName(name)))
    }
  }

  #folderBytes(): number {
    return this.#disk.stat(FOLDER) === null ? 0 : folderBytes(this.#disk)
  }

  /** Files that were deleted may come back with a power failure: nobody may add to them. */
  #checkBound(before: number): void {
    const { bytesMax, segmentBytesMax } = this.#plan
    // The last word may take a segment beyond the bound.
    const atLast = bytesMax + segmentBytesMax
    const most = atLast + Math.max(segmentBytesMax, ENTRY_BYTES_MAX) + OVERHEAD_BYTES
    const bytes = this.#folderBytes()
    if (bytes > most && bytes > before + LAST_WORD_BYTES)
      this.faults.push(`${bytes} bytes in the folder`)
  }

  #check(): void {
    const content = readSpool(this.#disk, FOLDER, this.#shipped)
    for (const life of this.#lives) {
      for (const thread of life.rig.producers.keys()) this.#checkProducer(life, thread, content)
    }
  }

  #checkProducer({ rig, promised, end }: Life, thread: number, content: SpoolContent): void {
    const { incarnation } = rig.settings
    const { written, skipped, taken } = rig.producers[thread]!
    const found = content.producers.get(producerKey(0, thread, incarnation))
    const key = `${thread}-${incarnation}, ${end}`
    const complain = (what: string): void => {
      this.faults.push(`${key}: ${what}`)
    }
    for (const sequence of promised[thread]!) {
      if (found?.present.has(sequence) !== true) complain(`${sequence} was promised`)
    }
    if (found === undefined) return
    for (const [sequence, copies] of found.present) {
      const entry = written.get(sequence)?.entry ?? new Uint8Array(0)
      if (copies.some((copy) => Buffer.compare(copy, entry) !== 0)) complain(`${sequence} is new`)
    }
    for (const { from, to, reason } of found.gaps) {
      for (let sequence = from; sequence <= to; sequence++) {
        if (skipped.get(sequence) !== reason) complain(`gap ${sequence} for ${reason}`)
      }
    }
    if (found.taken > taken) complain(`${found.taken} taken, of ${taken}`)
    // After a power failure that nobody had guarded against, anything may be missing.
    if (end === 'power' && this.#plan.durability !== 'power') return
    const floor = end === 'drained' ? taken + 1 : found.floor
    for (let sequence = 1; sequence < floor; sequence++) {
      if (fateOf(found, sequence) === 'hole') complain(`${sequence} of ${floor} has no fate`)
    }
    if (end === 'drained' && !found.hasEnded) complain('no last word')
  }
}

/** What is wrong after a plan: nothing, it is hoped. */
export const playSpool = (plan: SpoolPlan): string[] => new SpoolWorld(plan).run()
