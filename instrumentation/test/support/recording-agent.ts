import type { BatchOutput } from '../../src/recorder/scope-recorder.ts'
import type {
  Agent,
  ModelSighting,
  ModelTap,
  NamedTensors,
  TappedRow,
  TapDropReason,
  TensorValue,
  WarningKind,
} from '../../src/zero-code/sighting.ts'

/** What one tap was told. Tensors are copied, as they were at that moment. */
export interface TapRecord {
  readonly sighting: ModelSighting
  readonly calls: TapCall[]
  readonly rows: { readonly rows: readonly TappedRow[]; readonly output: BatchOutput }[]
  readonly durations: { readonly seconds: number; readonly rows: number; readonly error: unknown }[]
  readonly drops: { readonly reason: TapDropReason; readonly rows: number; readonly detail: string }[]
}

export interface TapCall {
  readonly inputs: NamedTensors
  /** Null until the call has ended well. */
  outputs: NamedTensors | null
  error: unknown
}

/** An agent that notes everything, for tests of patches. */
export class RecordingAgent implements Agent {
  readonly taps: TapRecord[] = []
  readonly libraries: { readonly library: string; readonly version: string | null }[] = []
  readonly warnings: { readonly kind: WarningKind; readonly subject: string; readonly reason: string }[] = []
  readonly #watch: (sighting: ModelSighting) => boolean

  constructor({ watch = () => true }: { readonly watch?: (sighting: ModelSighting) => boolean } = {}) {
    this.#watch = watch
  }

  /** The only tap; throws when there is none or more than one. */
  get tap(): TapRecord {
    if (this.taps.length !== 1) throw new Error(`${this.taps.length} models were sighted`)
    return this.taps[0]!
  }

  sight(sighting: ModelSighting): ModelTap | null {
    if (!this.#watch(sighting)) return null
    const record: TapRecord = { sighting, calls: [], rows: [], durations: [], drops: [] }
    this.taps.push(record)
    return {
      model: sighting.name,
      begin(inputs) {
        const call: TapCall = { inputs: copyTensors(inputs), outputs: null, error: undefined }
        record.calls.push(call)
        return {
          end(outputs) {
            call.outputs = copyTensors(outputs)
          },
          fail(error) {
            call.error = error
          },
        }
      },
      record: (rows, output) => void record.rows.push({ rows, output }),
      duration: (seconds, rows, error) => void record.durations.push({ seconds, rows, error }),
      drop: (reason, rows, detail) => void record.drops.push({ reason, rows, detail }),
    }
  }

  patched(library: string, version: string | null): void {
    this.libraries.push({ library, version })
  }

  warn(kind: WarningKind, subject: string, reason: string): void {
    this.warnings.push({ kind, subject, reason })
  }
}

function copyTensors(tensors: NamedTensors): NamedTensors {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => [name, tensor === null ? null : copyTensor(tensor)]),
  )
}

function copyTensor({ data, dims, type }: TensorValue): TensorValue {
  const copied = ArrayBuffer.isView(data) ? (data as Float32Array).slice() : Array.from(data)
  return { data: copied, dims: [...dims], type }
}
