import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeCollector } from '../../../../scripts/tier/collector.ts'
import { makeTempDir } from '../../../helpers/temp-dir.ts'

const MS_MAX = 60_000

/** A PATH on which `go install` makes a builder that runs `body`. */
const pathWith = (body: string): string => {
  const folder = makeTempDir()
  const builder = `#!/bin/sh\n${body}\n`
  writeFileSync(join(folder, 'builder'), builder, { mode: 0o755 })
  const go = `#!/bin/sh\necho "$GOFLAGS $@" > ${folder}/asked\ncp ${folder}/builder $GOBIN/builder\n`
  writeFileSync(join(folder, 'go'), go, { mode: 0o755 })
  return folder
}

const environmentOf = (folder: string) => ({ PATH: `${folder}:${process.env['PATH']}` })

test('makeCollector() builds one version of the collector, and keeps nothing else', () => {
  const folder = pathWith('mkdir built; cp builder.yaml built/otel-collector')
  const target = join(makeTempDir(), 'collector')
  makeCollector(target, environmentOf(folder), MS_MAX)
  const asked = readFileSync(join(folder, 'asked'), 'utf8')
  expect(asked).toMatch(
    /^-buildvcs=false install go\.opentelemetry\.io\/collector\/cmd\/builder@v\d+\.\d+\.\d+\n$/,
  )
  const manifest = readFileSync(join(target, 'otel-collector'), 'utf8')
  const [version = ''] = /v\d+\.\d+\.\d+/.exec(asked) ?? []
  expect(manifest.match(/v\d+\.\d+\.\d+/g)).toEqual([version, version])
  expect(readdirSync(join(target, '..'))).toEqual(['collector'])
})

test('makeCollector() leaves nothing behind where it fails', () => {
  const folder = pathWith('echo "no network" >&2; exit 1')
  const target = join(makeTempDir(), 'collector')
  expect(() => makeCollector(target, environmentOf(folder), MS_MAX)).toThrow('no network')
  expect(existsSync(target)).toBe(false)
  expect(readdirSync(join(target, '..'))).toEqual([])
})

test('makeCollector() is given up when its time is over', () => {
  const folder = pathWith('')
  writeFileSync(join(folder, 'go'), '#!/bin/sh\nexec sleep 60\n')
  const target = join(makeTempDir(), 'collector')
  expect(() => makeCollector(target, environmentOf(folder), 1)).toThrow('ETIMEDOUT')
  expect(readdirSync(join(target, '..'))).toEqual([])
})
