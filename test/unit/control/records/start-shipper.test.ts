import { expect, test } from 'vitest'
import { shipperSettings } from '../../../../src/control/records/start-shipper.ts'
import { loadedConfig, REPOSITORY } from '../../../helpers/config.ts'

test('shipperSettings() passes on what the config says', () => {
  const { config } = loadedConfig(REPOSITORY)
  const settings = shipperSettings(config, { stateDir: '/state', gateway: 'g7q2' })
  expect(settings).toEqual({
    stateDir: '/state',
    spoolFolder: '/state/spool',
    path: config.records.path,
    gateway: 'g7q2',
    limits: { rowsMax: 200_000, bytesMax: 64 * 1024 * 1024, ageMsMax: 10_000 },
    retention: { bytesMax: 10 * 1024 ** 3, daysMax: 30 },
    failedPid: null,
    logLevel: config.log.level,
  })
})
