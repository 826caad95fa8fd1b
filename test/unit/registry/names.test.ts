import { expect, test } from 'vitest'
import { isIgnored } from '../../../src/registry/names.ts'

test('isIgnored() passes over what editors, copies and file systems leave', () => {
  for (const name of ['.git', '.model.onnx.Xy7', '_new', '7~', '7.tmp', 'lost+found']) {
    expect(isIgnored(name)).toBe(true)
  }
  for (const name of ['7', 'iris', 'a_b', 'tmp']) expect(isIgnored(name)).toBe(false)
})
