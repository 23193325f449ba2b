import { readFileSync } from 'node:fs'
import { create, createFileRegistry, fromBinary, toBinary, type DescMessage, type Message } from '@bufbuild/protobuf'
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt'

/** @bufbuild/protobuf with the official descriptors: what the hand-written decoder is compared with. */
const descriptors = fromBinary(
  FileDescriptorSetSchema,
  Buffer.from(readFileSync(new URL('../../../test/fixtures/otlp/metrics.fds.base64', import.meta.url), 'latin1'), 'base64'),
)
const registry = createFileRegistry(descriptors)

function messageOf(name: string): DescMessage {
  const message = registry.getMessage(`opentelemetry.proto.${name}`)
  if (message === undefined) throw new Error(`no message ${name} in the descriptors`)
  return message
}

export const requestSchema = messageOf('collector.metrics.v1.ExportMetricsServiceRequest')
export const responseSchema = messageOf('collector.metrics.v1.ExportMetricsServiceResponse')

/** Messages as protobuf-es takes them: plain objects with camelCase names; nested messages need no `$typeName`. */
export type Init = Record<string, unknown>

/** The bytes of an ExportMetricsServiceRequest. */
export function encodeRequest(init: Init): Uint8Array {
  return toBinary(requestSchema, create(requestSchema, init as never))
}

/** The message that bytes hold, as protobuf-es sees it. */
export function decodeRequest(bytes: Uint8Array): Message & Record<string, unknown> {
  return fromBinary(requestSchema, bytes) as Message & Record<string, unknown>
}

export function decodeResponse(bytes: Uint8Array): { partialSuccess?: { rejectedDataPoints: bigint; errorMessage: string } } {
  return fromBinary(responseSchema, bytes) as never
}

export function text(key: string, value: string): Init {
  return { key, value: { value: { case: 'stringValue', value } } }
}

export function int(key: string, value: bigint): Init {
  return { key, value: { value: { case: 'intValue', value } } }
}
