import { expect, test } from 'vitest'
import { plainMessage } from '../../../src/runtime/native-message.ts'

const FAILED = "Non-zero status code returned while running Gather node. Name:'' Status Message: "

const CUDA_CALL =
  '/onnxruntime_src/onnxruntime/core/providers/cuda/cuda_call.cc:154 std::conditional_t<THRW, void, common::Status> onnxruntime::CudaCall(ERRTYPE, const char*, const char*, SUCCTYPE, const char*, const char*, int) [with ERRTYPE = cudaError; bool THRW = true; SUCCTYPE = cudaError; std::conditional_t<THRW, void, common::Status> = void] '
const SITE =
  ' ; GPU=0 ; hostname=vm ; file=/onnxruntime_src/onnxruntime/core/providers/cuda/cuda_execution_provider.cc ; line=352 ; expr=cudaSetDevice(info_.device_id); '

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
  [
    `${CUDA_CALL}CUDA failure 101: invalid device ordinal${SITE}`,
    'CUDA failure 101: invalid device ordinal',
  ],
  [
    `${FAILED}${CUDA_CALL}CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED${SITE}`,
    `${FAILED}CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED`,
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
