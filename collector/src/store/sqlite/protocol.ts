import type { Scope } from '../../observation/block.ts'
import type { AppendReceipt, Evaluation } from '../store.ts'
import type { StoredShape } from './stored-shape.ts'

/**
 * What the receiving thread asks of the writer. Shapes and scopes are named by numbers that the asking side gives out and
 * defines once; values travel encoded, in one buffer per call, which is transferred.
 */
export interface PackedCall {
  /** The numbers given out so far mean nothing any more. */
  readonly forget: boolean
  readonly shapes: readonly { readonly id: number; readonly shape: StoredShape }[]
  readonly scopes: readonly { readonly id: number; readonly scope: Scope }[]
  readonly data: ArrayBuffer
}

/** `fieldsPerBlock` numbers each: scope, shape, start and end in microseconds, first byte, bytes. */
export interface AppendCall extends PackedCall {
  readonly blocks: Float64Array
}

export const fieldsPerBlock = 6

export interface SaveEvaluationCall extends PackedCall {
  readonly evaluation: Omit<Evaluation, 'results' | 'segments'>
  readonly results: readonly ResultRow[]
  readonly windows: readonly WindowRow[]
}

export interface ResultRow {
  readonly signal: string
  readonly feature: string
  readonly segment: string
  readonly status: string
  readonly json: string
}

export interface WindowRow {
  readonly segment: string
  readonly baselineDigest: string
  readonly instances: number
  readonly throughSequence: number
  readonly shape: number
  readonly firstByte: number
  readonly bytes: number
}

export interface AlertRow {
  readonly id: string
  readonly model: string
  readonly version: string
  readonly state: string
  readonly activeSinceMs: number
  readonly json: string
}

export interface AlertEventRow {
  readonly alertId: string
  readonly json: string
}

/** A baseline or a manifest. */
export interface DocumentRow {
  readonly kind: 'baseline' | 'manifest'
  readonly model: string
  readonly version: string
  readonly digest: string
  readonly json: string
}

export type WriterMethods = {
  readonly append: (call: AppendCall) => AppendReceipt
  readonly saveEvaluation: (call: SaveEvaluationCall) => void
  readonly saveEvaluationCursor: (call: { model: string; version: string; sequence: number }) => void
  readonly saveAlerts: (call: { alerts: readonly AlertRow[]; events: readonly AlertEventRow[] }) => void
  readonly putDocument: (call: DocumentRow) => void
  readonly prune: (call: { blocksBeforeMs: number; evaluationsBeforeMs: number }) => void
  readonly close: (call: null) => void
}

export type Request = { readonly id: number; readonly method: string; readonly argument: unknown }

export type Reply = { readonly id: number; readonly value: unknown } | { readonly id: number; readonly failure: string }
