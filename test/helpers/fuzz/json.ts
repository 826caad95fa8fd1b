/** JSON messages changed in their structure: still JSON, or nearly. */

import { damaged } from './bytes.ts'
import type { Random } from './random.ts'

/** Scalars and keys as they are written, so that keys may be doubled and numbers be none. */
type Node =
  | { readonly kind: 'scalar'; text: string }
  | { readonly kind: 'list'; items: Node[] }
  | { readonly kind: 'object'; entries: [key: string, Node][] }

const NUMBERS = [
  ...['0', '-0', '1', '-1', '1.5', '1e0', '10e-1', '1e999', '-1e999', '1e-999', '2147483647'],
  ...['2147483648', '4294967296', '9007199254740993', '9223372036854775807', '9.9e307'],
  ...[
    '9223372036854775808',
    '18446744073709551616',
    '1.00000000000000000001',
    `1${'0'.repeat(400)}`,
  ],
  ...[`0.${'0'.repeat(400)}1`, '01', '1.', '.5', '+1', '-', '1e', '0x1', 'NaN', '-Infinity', '1_0'],
]

const TEXTS = [
  ...[
    '""',
    '"a"',
    '"EWR"',
    '"\\u0000"',
    '"\\ud800"',
    '"\\udc00\\ud800"',
    '"\\ud83d\\ude00"',
    '"\\x"',
  ],
  ...[
    '"__proto__"',
    '"constructor"',
    '"toString"',
    '"\u2028"',
    '"\u001b[31m"',
    '"a\\u000d\\u000ab"',
  ],
  ...[`"${'x'.repeat(200)}"`, '"FP32"', '"FP64"', '"INT64"', '"BYTES"', '"BOOL"', '"1"', '"open'],
]

const WORDS = ['null', 'true', 'false', 'nul', 'TRUE', 'undefined', '']

const SCALARS = [...NUMBERS, ...TEXTS, ...WORDS]

const KEYS = [
  ...['"__proto__"', '"constructor"', '"toString"', '"hasOwnProperty"', '""', '"\\u0061"', '"a"'],
  ...['"features"', '"instances"', '"inputs"', '"outputs"', '"name"', '"shape"', '"datatype"'],
  ...['"data"', '"parameters"', '"id"', '"b64"', '"binary_data_size"', '"binary_data"'],
]

const DEPTHS = [1, 5, 19, 20, 21, 100, 150]

const nodeOf = (value: unknown): Node => {
  if (Array.isArray(value)) return { kind: 'list', items: value.map(nodeOf) }
  if (typeof value !== 'object' || value === null) {
    return { kind: 'scalar', text: JSON.stringify(value) }
  }
  const entries = Object.entries(value).map(([key, each]): [string, Node] => [
    JSON.stringify(key),
    nodeOf(each),
  ])
  return { kind: 'object', entries }
}

const childrenOf = (node: Node): Node[] => {
  if (node.kind === 'scalar') return []
  return node.kind === 'list' ? node.items : node.entries.map(([, each]) => each)
}

/** Some node of the tree, near the top as likely as deep down. */
const somewhere = (random: Random, root: Node): Node => {
  let node = root
  for (;;) {
    const children = childrenOf(node)
    if (children.length === 0 || random.once(4)) return node
    node = random.pick(children)
  }
}

const scalar = (random: Random): Node => ({ kind: 'scalar', text: random.pick(SCALARS) })

const nested = (random: Random, inner: Node): Node => {
  const isList = random.once(2)
  let node = inner
  for (let depth = random.pick(DEPTHS); depth > 0; depth--) {
    node = isList ? { kind: 'list', items: [node] } : { kind: 'object', entries: [['"a"', node]] }
  }
  return node
}

/** Changes the members of a list or of an object: both are lists of something. */
const shuffleMembers = <Member>(random: Random, members: Member[], others: Member[]): void => {
  const [a, b] = [random.below(members.length), random.below(members.length)]
  const member = members[a]!
  switch (random.below(5)) {
    case 0:
      members.splice(a, 1 + random.below(2))
      break
    case 1:
      members.splice(b, 0, ...new Array<Member>(random.pick([1, 1, 3, 40])).fill(member))
      break
    case 2:
      members[a] = members[b]!
      members[b] = member
      break
    case 3:
      members.length = a
      break
    default:
      members.splice(a, 0, ...others)
  }
}

/** Another node in the place of this one. */
const replaced = (random: Random, node: Node, donor: Node): Node => {
  switch (random.below(5)) {
    case 0:
    case 1:
      return scalar(random)
    case 2:
      return somewhere(random, donor)
    case 3:
      return nested(random, node)
    default:
      return random.once(2) ? { kind: 'list', items: [] } : { kind: 'object', entries: [] }
  }
}

const change = (random: Random, root: Node, donor: Node): void => {
  const node = somewhere(random, root)
  if (node.kind === 'scalar') {
    node.text = random.pick(SCALARS)
    return
  }
  const other = somewhere(random, donor)
  const isPlace = childrenOf(node).length > 0
  if (isPlace && random.once(2)) {
    const at = random.below(childrenOf(node).length)
    const fresh = replaced(random, childrenOf(node)[at]!, donor)
    if (node.kind === 'list') node.items[at] = fresh
    else node.entries[at] = [random.once(3) ? random.pick(KEYS) : node.entries[at]![0], fresh]
  } else if (!isPlace) {
    if (node.kind === 'list') node.items.push(scalar(random))
    else node.entries.push([random.pick(KEYS), scalar(random)])
  } else if (node.kind === 'list') {
    shuffleMembers(random, node.items, other.kind === 'list' ? other.items : [other])
  } else {
    shuffleMembers(random, node.entries, other.kind === 'object' ? other.entries : [])
  }
}

const BLANKS = ['', '', '', '', '', ' ', '\n', '\t', '\r\n', '  ']

const print = (random: Random, node: Node, isSpaced: boolean): string => {
  const blank = (): string => (isSpaced ? random.pick(BLANKS) : '')
  if (node.kind === 'scalar') return node.text
  if (node.kind === 'list') {
    const items = node.items.map((item) => blank() + print(random, item, isSpaced) + blank())
    return `[${items.join()}]`
  }
  const entries = node.entries.map(
    ([key, each]) => `${blank()}${key}${blank()}:${blank()}${print(random, each, isSpaced)}`,
  )
  return `{${entries.join()}${blank()}}`
}

/** One of the messages, changed in up to five places of its structure, or of its bytes as well. */
export const jsonBytes = (random: Random, messages: readonly unknown[]): Buffer => {
  const root = nodeOf(random.pick(messages))
  for (let changes = random.below(6); changes > 0; changes--) {
    change(random, root, nodeOf(random.pick(messages)))
  }
  const text = Buffer.from(print(random, root, random.once(3)))
  const donor = Buffer.from(JSON.stringify(random.pick(messages)))
  return random.once(4) ? damaged(random, text, donor) : text
}
