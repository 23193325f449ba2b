import type { BlockShape } from '../../observation/block.ts'
import { encodeShapedValues, maximumBytes } from '../sqlite/stored-shape.ts'

/** Kinds of journal records. */
export const recordKinds = { block: 1, lines: 2 } as const

/** What the journal keeps of a block; scope and shape are numbers of the block index, which is on disk before. */
export interface BlockRecord {
  readonly scopeId: number
  readonly shapeId: number
  readonly startMicros: number
  readonly endMicros: number
  /** Which of several blocks of one scope, start and end it is. */
  readonly part: number
  /** Nanoseconds that its points carry, so that blocks of one place and start do not overwrite each other. */
  readonly turn: number
}

const version = 1
const headerBytes = 29

export function encodeBlockRecord(record: BlockRecord, shape: BlockShape, values: Float64Array): Uint8Array {
  const bytes = new Uint8Array(headerBytes + maximumBytes(shape))
  const view = new DataView(bytes.buffer)
  view.setUint8(0, version)
  view.setUint32(1, record.scopeId, true)
  view.setUint32(5, record.shapeId, true)
  view.setFloat64(9, record.startMicros, true)
  view.setFloat64(17, record.endMicros, true)
  view.setUint16(25, record.part, true)
  view.setUint16(27, record.turn, true)
  const end = encodeShapedValues({ shape, values }, bytes, headerBytes)
  // A copy: the journal may hold it for a while, and most of the room was not needed.
  return bytes.slice(0, end)
}

/** @throws RangeError when the bytes are none of a block. */
export function decodeBlockRecord(payload: Uint8Array): { readonly record: BlockRecord; readonly data: Uint8Array } {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength)
  if (payload.length < headerBytes || view.getUint8(0) !== version) throw new RangeError('not a block record')
  const record = {
    scopeId: view.getUint32(1, true),
    shapeId: view.getUint32(5, true),
    startMicros: view.getFloat64(9, true),
    endMicros: view.getFloat64(17, true),
    part: view.getUint16(25, true),
    turn: view.getUint16(27, true),
  }
  return { record, data: payload.subarray(headerBytes) }
}

/** Finished line protocol for one retention policy. JSON, as a string field may hold line breaks. */
export function encodeLinesRecord(retentionPolicy: string, lines: readonly string[]): Uint8Array {
  return new TextEncoder().encode(JSON.stringify([retentionPolicy, ...lines]))
}

/** @throws SyntaxError */
export function decodeLinesRecord(payload: Uint8Array): { readonly retentionPolicy: string; readonly lines: string[] } {
  const [retentionPolicy = '', ...lines] = JSON.parse(new TextDecoder().decode(payload)) as string[]
  return { retentionPolicy, lines }
}
