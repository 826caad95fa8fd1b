import { expect, test } from 'vitest'
import {
  accountedProducers,
  accountPath,
  readAccountFile,
} from '../../../../src/records/files/account-files.ts'
import { encodeAccount, newAccount } from '../../../../src/records/shipping/account.ts'
import { CrashFiles } from '../../../helpers/crash-files.ts'
import { putFile } from '../../../helpers/segments.ts'

test('readAccountFile() gives the account of a producer, or none', () => {
  const files = new CrashFiles()
  expect(readAccountFile(files, '/', 'g.0.0-1')).toBeNull()
  expect(accountedProducers(files, '/')).toEqual([])
  files.mkdir('/_producers')
  const account = { ...newAccount('g.0.0-1'), records: 3 }
  putFile(files, `/${accountPath('g.0.0-1')}`, new TextEncoder().encode(encodeAccount(account)))
  expect(readAccountFile(files, '/', 'g.0.0-1')).toEqual(account)
  putFile(files, '/_producers/g.0.0-0.json.unfinished', Uint8Array.of(1))
  expect(accountedProducers(files, '/')).toEqual(['g.0.0-1'])
})
