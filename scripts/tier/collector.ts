/**
 * The OpenTelemetry collector, which no package index has as a program: built from Go modules at
 * one version, with nothing but what the test needs. Go's checksum database vouches for them.
 */

import { execFileSync } from 'node:child_process'
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

type Environment = Readonly<Record<string, string | undefined>>

const VERSION = '0.165.0'

/** Name of the folder with this version. */
export const COLLECTOR = `otel-collector-${VERSION}`

const MODULES = 'go.opentelemetry.io/collector'

const MANIFEST = `
dist:
  name: otel-collector
  output_path: ./built
  module: local/otel-collector
receivers:
  - gomod: ${MODULES}/receiver/otlpreceiver v${VERSION}
exporters:
  - gomod: ${MODULES}/exporter/debugexporter v${VERSION}
`

/**
 * Builds `folder/otel-collector`, and throws what went wrong; it appears whole or not at all. It
 * takes 150 s on an idle machine of two cores, and more than twice that on a busy one.
 */
export const makeCollector = (folder: string, environment: Environment, msMax: number): void => {
  const part = `${folder}.${process.pid}`
  const deadlineMs = performance.now() + msMax
  const run = (program: string, args: readonly string[]) =>
    execFileSync(program, args, {
      cwd: part,
      env: { ...environment, GOBIN: part, GOFLAGS: '-buildvcs=false' },
      stdio: ['ignore', 'ignore', 'pipe'],
      // 0 would mean that there is no limit.
      timeout: Math.max(1, Math.floor(deadlineMs - performance.now())),
    })
  try {
    mkdirSync(part, { recursive: true })
    writeFileSync(join(part, 'builder.yaml'), MANIFEST)
    run('go', ['install', `${MODULES}/cmd/builder@v${VERSION}`])
    run(join(part, 'builder'), ['--config', 'builder.yaml'])
    rmSync(folder, { recursive: true, force: true })
    renameSync(join(part, 'built'), folder)
  } finally {
    rmSync(part, { recursive: true, force: true })
  }
}
