import { expect, test } from 'vitest'
import { FRAME } from '../../../../src/records/spool/segment-format.ts'
import { readHead, SEGMENT_HEAD_BYTES } from '../../../../src/records/spool/segment-head.ts'
import { HEADER, segmentBytes, someBytes } from '../../../helpers/segments.ts'

const BYTES = segmentBytes([{ kind: FRAME.LAYOUT, bytes: someBytes(9000, 1) }])
const WHOLE = readHead(BYTES)
const TO = 'to' in WHOLE ? WHOLE.to : 0

const changed = (change: (bytes: Uint8Array, view: DataView) => void, length = 5000) => {
  const bytes = BYTES.slice(0, length)
  change(bytes, new DataView(bytes.buffer))
  return readHead(bytes)
}

test('whose a segment is, and where its other frames begin', () => {
  const check = new DataView(BYTES.buffer).getUint32(8, true)
  expect(WHOLE).toEqual({ header: HEADER, check, to: TO, damage: 'none' })
  expect(BYTES[TO + 8]).toBe(FRAME.LAYOUT)
})

test('whichever bit of it has flipped it is the same', () => {
  for (let byte = 0; byte < TO; byte++) {
    const bit = 8 * byte + (byte % 8)
    const head = changed((bytes) => {
      bytes[bit >> 3]! ^= 1 << (bit & 7)
    })
    expect(head).toEqual({ ...WHOLE, damage: 'mended' })
  }
})

test('so it is without a preamble', () => {
  expect(changed((bytes) => bytes.fill(0, 0, 8))).toEqual({ ...WHOLE, damage: 'mended' })
  expect(changed((bytes) => bytes.fill(77, 0, 8))).toEqual({ ...WHOLE, damage: 'mended' })
})

test('with another checksum it is the same, if the next frame is right', () => {
  expect(changed((bytes) => bytes.fill(77, 8, 12))).toEqual({ ...WHOLE, damage: 'check' })
})

test('a later version is nothing to be looked into, whatever follows', () => {
  for (const version of [2, 4, 99]) {
    expect(changed((_, view) => view.setUint32(4, version, true))).toEqual({
      ...{ end: 'newer', detail: `version ${version}` },
    })
  }
})

test('where more of it is damaged nobody knows whose the segment is', () => {
  const two = changed((bytes) => {
    bytes[30]! ^= 1
    bytes[60]! ^= 1
  })
  // It can be read, but as that of somebody else: the next frame tells.
  expect(two).not.toMatchObject({ damage: 'mended' })
  expect(changed((bytes) => bytes.fill(0, 24, 28))).toMatchObject({ end: 'corrupt' })
  expect(changed((bytes) => bytes.fill(9, 12, 24))).toMatchObject({ end: 'corrupt' })
  expect(changed((bytes) => bytes.fill(0, 8, 512))).toMatchObject({ end: 'open' })
  expect(changed((bytes) => bytes.fill(0, 0, 512))).toMatchObject({ end: 'open' })
  expect(changed((bytes) => bytes.fill(9, 0, 512))).toMatchObject({ end: 'foreign' })
  const long = (_: Uint8Array, view: DataView) => {
    view.setUint32(12, 50_000, true)
    view.setUint32(20, 1, true)
  }
  expect(changed(long)).toMatchObject({ end: 'corrupt' })
})

test('cut off anywhere it may be one that was just begun', () => {
  for (let length = 0; length < TO; length++) {
    expect(readHead(BYTES.slice(0, length))).toEqual({ end: 'open', detail: '' })
  }
  expect(readHead(BYTES.slice(0, TO))).toEqual(WHOLE)
  expect(SEGMENT_HEAD_BYTES).toBeGreaterThan(8 * TO)
})
