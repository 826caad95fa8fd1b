import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { EXAMPLE_REPOSITORY } from '../helpers/example.ts'
import { startGateway } from '../helpers/gateway.ts'
import { makeTempDir } from '../helpers/temp-dir.ts'

/** The page as it stands when its scripts are done, in a browser that reaches this machine only. */
const rendered = async (url: string): Promise<string> => {
  const flags = [
    '--headless=new',
    // As root there is no sandbox to be had.
    '--no-sandbox',
    '--disable-gpu',
    '--no-first-run',
    `--user-data-dir=${makeTempDir('chromium')}`,
    '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
    '--virtual-time-budget=10000',
    '--dump-dom',
  ]
  const { stdout } = await promisify(execFile)('chromium', [...flags, url], {
    timeout: 60_000,
    maxBuffer: 64 * 1024 * 1024,
  })
  return stdout
}

test('/docs shows every path in a browser, with nothing from elsewhere', async () => {
  const gateway = await startGateway({ repository: EXAMPLE_REPOSITORY })
  const described = await fetch(`${gateway.httpUrl}/openapi.json`)
  const { paths } = (await described.json()) as { paths: object }
  const page = await rendered(`${gateway.httpUrl}/docs`)
  const shown = [...page.matchAll(/data-path="([^"]+)"/g)].map(([, path]) => path)
  expect(new Set(shown)).toEqual(new Set(Object.keys(paths)))
})

test('/docs opens a path by its link, with the row of the profile to try', async () => {
  const gateway = await startGateway({ repository: EXAMPLE_REPOSITORY })
  const page = await rendered(`${gateway.httpUrl}/docs#/Predict/predict_flight-delay`)
  expect(page).toContain('Execute')
  expect(page).toContain('the row of the profile')
  expect(page).toContain('departure_minute')
})
