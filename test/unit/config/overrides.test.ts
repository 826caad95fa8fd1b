import { expect, test } from 'vitest'
import { FLAG_PATHS, flagOverrides, variableOf } from '../../../src/config/overrides.ts'
import { leavesOf, toJsonSchema } from '../../../src/config/schema-text.ts'
import { sluiceSchema } from '../../../src/config/schemas/sluice.ts'

const SCHEMA = toJsonSchema(sluiceSchema)

const read = (flag: string, text: string): unknown =>
  flagOverrides({ [flag]: text }, SCHEMA)[0]?.value

test.each([
  ['http-port', '8000', 8000],
  ['grpc-port', '0', 0],
  ['grpc-port', 'null', null],
  ['grpc-port', 'off', 'off'], // the schema says what is wanted
  ['threads', 'auto', 'auto'],
  ['threads', '4', 4],
  ['host', '1.2', '1.2'], // any text is a host, whatever it looks like
  ['model-repository', 'null', 'null'],
  ['http', 'node', 'node'],
  ['http-port', '{', '{'], // no YAML: the schema says what is wanted
])('flagOverrides() reads --%s %s as %j', (flag, text, value) => {
  expect(read(flag, text)).toBe(value)
})

test('flagOverrides() passes over flags that are no settings, and those that are not given', () => {
  expect(flagOverrides({ config: 'x', json: 'y', host: undefined }, SCHEMA)).toEqual([])
})

test('every flag sets a key that exists', () => {
  const keys = new Set(leavesOf(SCHEMA).map(({ path }) => path.join('.')))
  const unknown = Object.entries(FLAG_PATHS).filter(([, path]) => !keys.has(path.join('.')))
  expect(unknown).toEqual([])
})

test('variableOf() is one name for each setting', () => {
  expect(variableOf(['state_dir'])).toBe('SLUICE_STATE_DIR')
  expect(variableOf(['server', 'http_port'])).toBe('SLUICE_SERVER__HTTP_PORT')
  const names = leavesOf(SCHEMA).map(({ path }) => variableOf(path))
  expect(new Set(names).size).toBe(names.length)
})
