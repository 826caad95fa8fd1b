/** The files that describe the services, as reflection gives them out. */

import { type DescFile, toBinary } from '@bufbuild/protobuf'
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt'
import { file_health } from '../../../proto/gen/health_pb.ts'
import { file_inference } from '../../../proto/gen/inference_pb.ts'
import { file_reflection_v1 } from '../../../proto/gen/reflection_v1_pb.ts'
import { file_reflection_v1alpha } from '../../../proto/gen/reflection_v1alpha_pb.ts'

const ROOTS: readonly DescFile[] = [
  ...[file_inference, file_health, file_reflection_v1, file_reflection_v1alpha],
]

export const SERVICE_NAMES: readonly string[] = ROOTS.flatMap(({ services }) =>
  services.map(({ typeName }) => typeName),
)

/** A file and those that it needs, which some tools ask for by name and others expect with it. */
const withDependencies = (file: DescFile): DescFile[] => [
  file,
  ...file.dependencies.flatMap(withDependencies),
]

const FILES: readonly DescFile[] = [...new Set(ROOTS.flatMap(withDependencies))]

const namesOf = (file: DescFile): string[] => [
  ...file.messages.flatMap((message) => [
    message.typeName,
    ...message.fields.map(({ name }) => `${message.typeName}.${name}`),
    ...message.nestedMessages.map(({ typeName }) => typeName),
    ...message.nestedEnums.map(({ typeName }) => typeName),
  ]),
  ...file.enums.map(({ typeName }) => typeName),
  ...file.services.flatMap((service) => [
    service.typeName,
    ...service.methods.map(({ name }) => `${service.typeName}.${name}`),
  ]),
]

/** `proto` of a file has its name as imports write it. */
const byName = new Map(FILES.map((file) => [file.proto.name, file]))
const bySymbol = new Map(FILES.flatMap((file) => namesOf(file).map((name) => [name, file])))

/** A file and those that it imports, as bytes of FileDescriptorProto; null: there is none. */
export const descriptorsOf = (
  by: 'fileByFilename' | 'fileContainingSymbol',
  name: string,
): Uint8Array[] | null => {
  const file = (by === 'fileByFilename' ? byName : bySymbol).get(name)
  if (file === undefined) return null
  return [...new Set(withDependencies(file))].map(({ proto }) =>
    toBinary(FileDescriptorProtoSchema, proto),
  )
}
