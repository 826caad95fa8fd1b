import { create, createFileRegistry, fromBinary } from '@bufbuild/protobuf'
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt'
import { expect, test } from 'vitest'
import { descriptorsOf, SERVICE_NAMES } from '../../../../src/server/grpc/descriptors.ts'

test('SERVICE_NAMES are those that a client of reflection may meet', () => {
  expect(SERVICE_NAMES).toEqual([
    'inference.GRPCInferenceService',
    'grpc.health.v1.Health',
    'grpc.reflection.v1.ServerReflection',
    'grpc.reflection.v1alpha.ServerReflection',
  ])
})

test.each(SERVICE_NAMES)('descriptorsOf() %s holds all that the service needs', (name) => {
  const bytes = descriptorsOf('fileContainingSymbol', name)!
  const file = bytes.map((one) => fromBinary(FileDescriptorProtoSchema, one)).reverse()
  const registry = createFileRegistry(create(FileDescriptorSetSchema, { file }))
  expect(registry.getService(name)?.methods.length).toBeGreaterThan(0)
})

test.each([
  'inference.ModelInferRequest',
  'inference.ModelInferRequest.InferInputTensor',
  'inference.ModelInferRequest.model_name',
  'inference.GRPCInferenceService.ModelInfer',
  'grpc.health.v1.HealthCheckResponse.ServingStatus',
])('descriptorsOf() finds the file of %s', (symbol) => {
  expect(descriptorsOf('fileContainingSymbol', symbol)?.length).toBeGreaterThan(0)
})

test('descriptorsOf() finds files by the names under which they import each other', () => {
  const [first] = descriptorsOf('fileContainingSymbol', 'inference.ModelConfigResponse')!
  const { name, dependency } = fromBinary(FileDescriptorProtoSchema, first!)
  for (const file of [name, ...dependency]) {
    expect(descriptorsOf('fileByFilename', file)?.length, file).toBeGreaterThan(0)
  }
})

test.each(['', 'inference', 'inference.Nothing', '__proto__'])(
  'descriptorsOf() has no %j',
  (name) => {
    expect(descriptorsOf('fileContainingSymbol', name)).toBeNull()
    expect(descriptorsOf('fileByFilename', name)).toBeNull()
  },
)
