/** Where a body ends: content-length, transfer-encoding and chunks (RFC 9112 §6 and §7). */

import { type Case, CHUNKED, chunked, HIDDEN, lengthOf, post } from './cases.ts'

/** A chunk that holds a whole request, and the end. */
const HIDING_CHUNK = `${HIDDEN.length.toString(16)}\r\n${HIDDEN}\r\n0\r\n\r\n`
const END = '0\r\n\r\n'
const ABC = `3\r\nabc\r\n${END}`

/** Both lengths: one of two servers in a row would see HIDDEN as a request. */
const BOTH: readonly Case[] = [
  [
    'CL.TE',
    post([`content-length: ${END.length + HIDDEN.length}`, CHUNKED], END + HIDDEN),
    'closed',
  ],
  ['TE.CL', post([CHUNKED, 'content-length: 4'], HIDING_CHUNK), 'closed'],
  ['CL.TE without a body', post(['content-length: 0', CHUNKED], END), 'closed'],
  ['CL of exactly the chunked bytes', post([lengthOf(ABC), CHUNKED], ABC), 'closed'],
  ['TE.TE with a CL', post([CHUNKED, 'transfer-encoding: x', 'content-length: 4'], ABC), 'closed'],
  [
    'CL with TE identity',
    post(['content-length: 3', 'transfer-encoding: identity'], 'abc'),
    'closed',
  ],
  ['CL with an empty TE', post(['content-length: 3', 'transfer-encoding: '], 'abc'), 'closed'],
  [
    'CL with TE in a nominated header',
    post(['connection: transfer-encoding', 'content-length: 5', CHUNKED], END),
    'closed',
  ],
]

const te = (value: string): string => post([`transfer-encoding:${value}`], ABC)

const TRANSFER_ENCODING: readonly Case[] = [
  ['TE chunked', te(' chunked'), 'first(abc) after open'],
  ['TE in upper case', te(' CHUNKED'), 'first(abc) after open'],
  ['TE name in mixed case', post(['tRANSFER-eNCODING: chunked'], ABC), 'first(abc) after open'],
  ['TE without blank', te('chunked'), 'first(abc) after open'],
  ['TE behind a tab', te('\tchunked'), 'first(abc) after open'],
  ['TE before blanks', te(' chunked \t '), 'first(abc) after open'],
  ['TE with a blank before the colon', post(['transfer-encoding : chunked'], ABC), 'closed'],
  ['TE with a tab before the colon', post(['transfer-encoding\t: chunked'], ABC), 'closed'],
  ['TE in a folded line', te('\r\n chunked'), 'closed'],
  ['TE in a line folded by a tab', te(' \r\n\tchunked'), 'closed'],
  ['TE folded behind its value', te(' chunked\r\n identity'), 'closed'],
  ['TE chunked twice in a list', te(' chunked, chunked'), 'closed'],
  ['TE chunked twice in lines', post([CHUNKED, CHUNKED], ABC), 'closed'],
  ['TE chunked, then another', post([CHUNKED, 'transfer-encoding: identity'], ABC), 'closed'],
  ['TE another, then chunked', post(['transfer-encoding: identity', CHUNKED], ABC), 'closed'],
  ['TE chunked, then gzip', post([CHUNKED, 'transfer-encoding: gzip'], ABC), 'closed'],
  ['TE gzip before chunked', te(' gzip, chunked'), 'closed'],
  ['TE identity', te(' identity'), 'closed'],
  ['TE identity before chunked', te(' identity, chunked'), 'closed'],
  ['TE chunked before identity', te(' chunked, identity'), 'closed'],
  ['TE with a comma behind', te(' chunked,'), 'closed'],
  ['TE with a comma before', te(' ,chunked'), 'closed'],
  ['TE with a parameter', te(' chunked;q=1'), 'closed'],
  ['TE in quotes', te(' "chunked"'), 'closed'],
  ['TE xchunked', te(' xchunked'), 'closed'],
  ['TE chunkedx', te(' chunkedx'), 'closed'],
  ['TE behind a vertical tab', te(' \x0bchunked'), 'closed'],
  ['TE before a form feed', te(' chunked\x0c'), 'closed'],
  ['TE behind NUL', te(' \0chunked'), 'closed'],
  ['TE behind a byte beyond ASCII', te(' \xa0chunked'), 'closed'],
  ['TE empty', post(['transfer-encoding:'], ''), 'closed'],
  ['TE empty before chunked', post(['transfer-encoding:', CHUNKED], ABC), 'closed'],
  [
    'TE misspelt with underscore',
    post(['transfer_encoding: chunked', 'content-length: 3'], 'abc'),
    'first(abc) after open',
  ],
]

const cl = (value: string, body = 'hi'): string => post([`content-length:${value}`], body)

const CONTENT_LENGTH: readonly Case[] = [
  ['CL', cl(' 2'), 'first(hi) after open'],
  ['CL behind tabs and before blanks', cl('\t 2 \t'), 'first(hi) after open'],
  ['CL with leading zeros', cl(' 002'), 'first(hi) after open'],
  ['CL of a whole request', post([lengthOf(HIDDEN)], HIDDEN), 'first(HIDDEN) after open'],
  ['CL 0 before another request', post(['content-length: 0'], HIDDEN), 'first hidden after open'],
  ['no length before another request', post([], HIDDEN), 'first hidden after open'],
  ['CL twice, equal', post(['content-length: 2', 'content-length: 2'], 'hi'), 'closed'],
  ['CL twice, the first shorter', post(['content-length: 0', lengthOf(HIDDEN)], HIDDEN), 'closed'],
  ['CL twice, the first longer', post([lengthOf(HIDDEN), 'content-length: 0'], HIDDEN), 'closed'],
  ['CL twice, in other cases', post(['Content-Length: 2', 'CONTENT-LENGTH: 3'], 'hi!'), 'closed'],
  ['CL as a list of equals', cl(' 2, 2'), 'closed'],
  ['CL as a list of different', cl(' 2, 3'), 'closed'],
  ['CL with a comma', cl(' 2,'), 'closed'],
  ['CL with a plus', cl(' +2'), 'closed'],
  ['CL with a minus', cl(' -2'), 'closed'],
  ['CL of minus zero', cl(' -0', ''), 'closed'],
  ['CL in hexadecimal', cl(' 0x2'), 'closed'],
  ['CL in hexadecimal digits', cl(' a', 'x'.repeat(10)), 'closed'],
  ['CL with a blank within', cl(' 0 2'), 'closed'],
  ['CL with a fraction', cl(' 2.0'), 'closed'],
  ['CL with an exponent', cl(' 2e0'), 'closed'],
  ['CL with an underscore', cl(' 0_2'), 'closed'],
  ['CL in quotes', cl(' "2"'), 'closed'],
  ['CL of no digits', cl(' two'), 'closed'],
  ['CL empty', cl(''), 'closed'],
  ['CL before NUL', cl(' 2\0'), 'closed'],
  ['CL behind a vertical tab', cl(' \x0b2'), 'closed'],
  ['CL of full-width digits', cl(' \xef\xbc\x92'), 'closed'],
  ['CL in a folded line', cl('\r\n 2'), 'closed'],
  ['CL with a blank before the colon', post(['content-length : 2'], 'hi'), 'closed'],
  ['CL of 2^64 + 2', cl(' 18446744073709551618'), 'closed'],
  ['CL of 2^64 - 1', cl(' 18446744073709551615'), 'closed'],
  ['CL of 2^63', cl(' 9223372036854775808'), 'closed'],
  ['CL of 30 digits', cl(` ${'9'.repeat(30)}`), 'closed'],
  ['CL larger than what comes', cl(' 900'), 'open'],
]

const CHUNKS: readonly Case[] = [
  ['chunks of a whole request', chunked(HIDING_CHUNK), 'first(HIDDEN) after open'],
  [
    'chunks in capital digits',
    chunked(`A\r\nabcdefghij\r\n${END}`),
    'first(abcdefghij) after open',
  ],
  ['chunks without any', chunked(END), 'first after open'],
  ['a last chunk of many zeros', chunked('3\r\nabc\r\n000\r\n\r\n'), 'first(abc) after open'],
  ['a chunk size with leading zeros', chunked(`0003\r\nabc\r\n${END}`), 'first(abc) after open'],
  [
    'a chunk size of 30 digits',
    chunked(`${'0'.repeat(29)}3\r\nabc\r\n${END}`),
    'first(abc) after open',
  ],
  ['a negative chunk size', chunked(`-3\r\nabc\r\n${END}`), 'closed'],
  ['a signed chunk size', chunked(`+3\r\nabc\r\n${END}`), 'closed'],
  ['a chunk size with 0x', chunked(`0x3\r\nabc\r\n${END}`), 'closed'],
  ['a blank chunk size', chunked(`\r\nabc\r\n${END}`), 'closed'],
  ['a chunk size behind a blank', chunked(` 3\r\nabc\r\n${END}`), 'closed'],
  ['a chunk size before a blank', chunked(`3 \r\nabc\r\n${END}`), 'closed'],
  ['a chunk size of other letters', chunked(`3g\r\nabc\r\n${END}`), 'closed'],
  ['a chunk size with an underscore', chunked(`0_3\r\nabc\r\n${END}`), 'closed'],
  ['a chunk size of 2^64 + 3', chunked(`10000000000000003\r\nabc\r\n${END}`), 'closed'],
  ['a chunk size of 2^64 - 1', chunked(`ffffffffffffffff\r\nabc\r\n${END}`), 'closed'],
  ['a chunk size of 2^63', chunked(`8000000000000000\r\nabc\r\n${END}`), 'closed'],
  ['a chunk size of 2^32 + 3', chunked(`100000003\r\nabc\r\n${END}`), 'open'],
  ['a chunk extension', chunked(`3;a=b\r\nabc\r\n${END}`), 'first(abc) after open'],
  ['a chunk extension without value', chunked(`3;a\r\nabc\r\n${END}`), 'first(abc) after open'],
  ['an extension of the last chunk', chunked('3\r\nabc\r\n0;a=b\r\n\r\n'), 'first(abc) after open'],
  ['a chunk extension with a line feed', chunked(`3;a\nabc\r\n${END}`), 'closed'],
  ['a chunk extension with a return', chunked(`3;a\rb\r\nabc\r\n${END}`), 'closed'],
  ['a chunk size before a line feed', chunked(`3\nabc\r\n${END}`), 'closed'],
  ['a chunk size before a return', chunked(`3\rabc\r\n${END}`), 'closed'],
  ['a chunk that is longer', chunked(`3\r\nabcde\r\n${END}`), 'closed'],
  ['a chunk without line end', chunked(`3\r\nabc${END}`), 'closed'],
  ['a chunk before a line feed', chunked(`3\r\nabc\n${END}`), 'closed'],
  ['a chunk before two other bytes', chunked(`3\r\nabcXX${END}`), 'closed'],
  ['a last chunk before line feeds', chunked('3\r\nabc\r\n0\n\n'), 'closed'],
  ['a last chunk without its line', chunked('3\r\nabc\r\n0\r\n'), 'closed'],
  ['a last chunk before a request', chunked(`0\r\n${HIDDEN}\r\n`), 'closed'],
  ['no last chunk', chunked('300\r\nabc'), 'open'],
  ['a trailer', chunked('3\r\nabc\r\n0\r\nx-a: b\r\n\r\n'), 'first(abc) after open'],
  [
    'a trailer of content-length',
    chunked('3\r\nabc\r\n0\r\ncontent-length: 9\r\n\r\n'),
    'first(abc) after open',
  ],
  [
    'a trailer of transfer-encoding',
    chunked('0\r\ntransfer-encoding: x\r\n\r\n'),
    'first after open',
  ],
  ['a folded trailer', chunked('0\r\nx-a: b\r\n c\r\n\r\n'), 'closed'],
  ['a trailer without colon', chunked('0\r\nnonsense\r\n\r\n'), 'closed'],
]

export const FRAMING: readonly Case[] = [
  ...BOTH,
  ...TRANSFER_ENCODING,
  ...CONTENT_LENGTH,
  ...CHUNKS,
]
