/**
 * Where the engines differ from what the cases want: every result that some fragmentation has. An
 * entry that is no longer true fails the test. Why we live with them: docs/decisions/0002.
 */

import type { PlainKind } from '../suites/http-engine-harness.ts'

export interface Deviation {
  readonly why: string
  readonly results: readonly string[]
  readonly titles: readonly string[]
}

const ENDS = 'a chunked request ends its connection'
const LAX_CHUNKS = 'chunks are parsed laxly; nothing behind them is taken for a request'
const MISREAD = 'what it cannot parse is taken for the start of something, which then times out'
const HARMLESS = 'is passed on, as part of a name or value that nobody splits'

const UWS: readonly Deviation[] = [
  {
    why: ENDS,
    results: ['first(abc) closed'],
    titles: [
      'TE chunked',
      'TE in upper case',
      'TE name in mixed case',
      'TE without blank',
      'TE behind a tab',
      'TE before blanks',
      'a last chunk of many zeros',
      'a chunk size with leading zeros',
      'a chunk size of 30 digits',
    ],
  },
  { why: ENDS, results: ['first(HIDDEN) closed'], titles: ['chunks of a whole request'] },
  { why: ENDS, results: ['first(abcdefghij) closed'], titles: ['chunks in capital digits'] },
  { why: ENDS, results: ['first closed'], titles: ['chunks without any'] },
  {
    why: 'bytes beyond ASCII around a value are taken for blanks',
    results: ['first(abc) closed'],
    titles: ['TE behind a byte beyond ASCII'],
  },
  {
    why: LAX_CHUNKS,
    results: ['first(abc) closed'],
    titles: [
      'a chunk size before a blank',
      'a chunk size before a line feed',
      'a chunk without line end',
      'a chunk before a line feed',
      'a chunk before two other bytes',
      'a last chunk before line feeds',
      'a last chunk without its line',
    ],
  },
  {
    why: LAX_CHUNKS,
    results: ['first closed'],
    titles: ['a blank chunk size', 'a trailer without colon'],
  },
  {
    why: LAX_CHUNKS,
    results: ['first closed', 'first(abc) closed'],
    titles: ['a chunk size behind a blank'],
  },
  { why: LAX_CHUNKS, results: ['first closed'], titles: ['a last chunk before a request'] },
  {
    why: `${LAX_CHUNKS}: it gets 505 while the answer is due`,
    results: ['first(abc) closed'],
    titles: ['a chunk that is longer', 'a trailer', 'a trailer of content-length'],
  },
  {
    why: `${LAX_CHUNKS}: it gets 505 while the answer is due`,
    results: ['first closed'],
    titles: ['a trailer of transfer-encoding', 'a folded trailer'],
  },
  {
    why: 'chunk extensions are misread, so that the request ends in a timeout',
    results: ['open'],
    titles: [
      'a chunk size of other letters',
      'a chunk extension',
      'a chunk extension without value',
      'an extension of the last chunk',
      'a chunk extension with a line feed',
      'a chunk extension with a return',
    ],
  },
  { why: MISREAD, results: ['closed', 'open'], titles: ['a chunk size before a return'] },
  {
    why: MISREAD,
    results: ['closed', 'open'],
    titles: ['HTTP/0.9', 'HTTP/0.9 with an empty line', 'a return in the target'],
  },
  {
    why: MISREAD,
    results: ['open'],
    titles: [
      'an empty line before',
      'a return in a value',
      'a header behind a return',
      'a request line behind a return',
    ],
  },
  {
    why: 'of several content-lengths the first counts; RFC 9110 §8.6 lets a server take equal ones',
    results: ['first(hi) after open'],
    titles: ['CL twice, equal'],
  },
  {
    why: 'of several content-lengths the first counts',
    results: ['closed', 'first hidden after open'],
    titles: ['CL twice, the first shorter'],
  },
  {
    why: 'of several content-lengths the first counts',
    results: ['first(HIDDEN) after open'],
    titles: ['CL twice, the first longer'],
  },
  {
    why: 'of several content-lengths the first counts; what is left begins no method',
    results: ['first(hi) closed'],
    titles: ['CL twice, in other cases'],
  },
  {
    why: 'an empty transfer-encoding beside a content-length is taken for none',
    results: ['first(abc) after open'],
    titles: ['CL with an empty TE'],
  },
  {
    why: 'a client that pipelines may lose its connection',
    results: ['closed', 'first hidden after open'],
    titles: ['CL 0 before another request'],
  },
  {
    why: 'a close is forgotten when another request is in the same read',
    results: ['first closed', 'first hidden after open'],
    titles: ['a close before another request'],
  },
  {
    why: 'other versions than HTTP/1.1, and targets that are no path, are not supported',
    results: ['closed'],
    titles: [
      'HTTP/1.0',
      'HTTP/1.0 that stays',
      'HTTP/1.2',
      'a whole URL as target',
      'a whole URL of another host',
    ],
  },
  {
    why: HARMLESS,
    results: ['first after open'],
    titles: [
      'a path for CONNECT',
      'a byte beyond ASCII in the target',
      'DEL in the target',
      'a fragment in the target',
      'a method of an unknown name',
      'a host with a comma',
      'a host with a path',
      'a host with a blank',
      'a header without name',
      'DEL in a value',
    ],
  },
]

const NODE: readonly Deviation[] = [
  {
    why: 'blanks behind the coding are refused',
    results: ['closed'],
    titles: ['TE before blanks'],
  },
  {
    why: 'trailers of framing are refused',
    results: ['closed'],
    titles: ['a trailer of content-length', 'a trailer of transfer-encoding'],
  },
  {
    why: 'lengths up to 2^64 are read, and refused as too large when too much has come',
    results: ['open'],
    titles: ['CL of 2^64 - 1', 'CL of 2^63', 'a chunk size of 2^64 - 1', 'a chunk size of 2^63'],
  },
  {
    why: 'what was read with a request that asks for an upgrade is dropped',
    results: ['first after open', 'first open'],
    titles: ['an upgrade to h2c', 'an upgrade to a web socket'],
  },
  {
    why: 'minor versions above 1, and targets that are no path, are not supported',
    results: ['closed'],
    titles: ['HTTP/1.2', 'a whole URL as target', 'a whole URL of another host'],
  },
  {
    why: 'the name of the protocol may be RTSP',
    results: ['first closed'],
    titles: ['another protocol'],
  },
  {
    why: HARMLESS,
    results: ['first after open'],
    titles: [
      'two blanks before the version',
      'a fragment in the target',
      'a line feed before',
      'a host with a comma',
      'a host with a path',
      'a host with a blank',
    ],
  },
]

export const DEVIATIONS: Readonly<Record<PlainKind, readonly Deviation[]>> = {
  uws: UWS,
  node: NODE,
}
