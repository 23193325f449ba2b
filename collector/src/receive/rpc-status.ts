/**
 * The two messages that an OTLP receiver answers with, google.rpc.Status and ExportMetricsServiceResponse, in the encoding of
 * the request.
 *
 * @see https://opentelemetry.io/docs/specs/otlp/#otlphttp-response
 */
export type OtlpEncoding = 'protobuf' | 'json'

/** What is wrong with a request, field by field; becomes a google.rpc.BadRequest detail. */
export interface FieldViolation {
  readonly field: string
  readonly description: string
}

/** Codes of google.rpc.Code that are answered with. */
export const rpcCode = {
  invalidArgument: 3,
  notFound: 5,
  resourceExhausted: 8,
  unimplemented: 12,
  unavailable: 14,
  unauthenticated: 16,
} as const

const badRequestType = 'type.googleapis.com/google.rpc.BadRequest'

/** UTF-16 units of a message. A response may take 4 MiB; a person reads less. */
const longestMessage = 4000

export function encodeStatus(
  encoding: OtlpEncoding,
  code: number,
  message: string,
  violation?: FieldViolation,
): Buffer {
  const text = message.slice(0, longestMessage)
  if (encoding === 'json') {
    const details =
      violation === undefined ? {} : { details: [{ '@type': badRequestType, fieldViolations: [violation] }] }
    return Buffer.from(JSON.stringify({ code, message: text, ...details }))
  }
  const parts = [varintField(1, code), textField(2, text)]
  if (violation !== undefined) {
    const badRequest = bytesField(
      1,
      Buffer.concat([textField(1, violation.field), textField(2, violation.description)]),
    )
    parts.push(bytesField(3, Buffer.concat([textField(1, badRequestType), bytesField(2, badRequest)])))
  }
  return Buffer.concat(parts)
}

/** The answer to an export. Nothing refused and nothing to say: no partial success, as the specification asks. */
export function encodeExportResponse(encoding: OtlpEncoding, rejectedDataPoints: number, errorMessage: string): Buffer {
  const text = errorMessage.slice(0, longestMessage)
  const isFull = rejectedDataPoints === 0 && text === ''
  if (encoding === 'json') {
    // 64-bit integers are texts in the JSON mapping of protobuf.
    return Buffer.from(
      isFull
        ? '{}'
        : JSON.stringify({ partialSuccess: { rejectedDataPoints: String(rejectedDataPoints), errorMessage: text } }),
    )
  }
  return isFull
    ? Buffer.alloc(0)
    : bytesField(1, Buffer.concat([varintField(1, rejectedDataPoints), textField(2, text)]))
}

function varintField(field: number, value: number): Buffer {
  return value === 0 ? Buffer.alloc(0) : Buffer.from([field << 3, ...varint(value)])
}

function textField(field: number, text: string): Buffer {
  return text === '' ? Buffer.alloc(0) : bytesField(field, Buffer.from(text))
}

function bytesField(field: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(field << 3) | 2, ...varint(content.length)]), content])
}

/** A whole number from 0 to 2^53. */
function varint(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80)
    rest = Math.floor(rest / 0x80)
  }
  bytes.push(rest)
  return bytes
}
