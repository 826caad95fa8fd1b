import { expect, test } from 'vitest'
import { plainMessage } from '../../../src/runtime/native-message.ts'

const FAILED = "Non-zero status code returned while running Gather node. Name:'' Status Message: "

// Messages as onnxruntime-node 1.30.0 throws them.
test.each([
  [
    `${FAILED}indices element out of data bounds, idx=10 must be within [-10,9]`,
    `${FAILED}indices element out of data bounds, idx=10 must be within [-10,9]`,
  ],
  [
    '/onnxruntime_src/onnxruntime/core/framework/bfc_arena.cc:360 void* onnxruntime::BFCArena::AllocateRawInternal(size_t, bool, onnxruntime::Stream*) Failed to allocate memory',
    'Failed to allocate memory',
  ],
  [
    'a: /src/ort/model_load_utils.h:46 void f(const std::unordered_map<std::basic_string<char>, int>&, std::function<void(int)>) const ONNX Runtime only supports /src/ort/x.cc:1 int g() opset 26',
    'a: ONNX Runtime only supports opset 26',
  ],
  [
    'Load model from /tmp/sluice/proving/1-1/model.onnx failed:Protobuf',
    'Load model from … failed:Protobuf',
  ],
  ['/src/ort/x.cc:1 unbalanced (', 'unbalanced ('],
  ['first\nsecond', 'first'],
  ['', ''],
])('plainMessage() of %j', (message, plain) => {
  expect(plainMessage(new Error(message), 400)).toBe(plain)
})

test('plainMessage() cuts what is long, and says "unknown" of what is no error', () => {
  expect(plainMessage(new Error('x'.repeat(50)), 10)).toBe('xxxxxxxxx…')
  expect(plainMessage({ message: 'x' }, 10)).toBe('unknown')
})
