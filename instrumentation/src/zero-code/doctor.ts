import { appendFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { threadId } from 'node:worker_threads'
import type { Clock } from '../clock.ts'
import type { DoctorEvent, DoctorTensor } from '../contract/doctor-lines.ts'
import { exporterPackage } from '../export.ts'
import type { ModelAgent } from './agent.ts'
import { describeDestination } from './destination.ts'
import { discoverFeatures } from './discover-features.ts'
import { reasonForNothing } from './nothing-recorded.ts'
import type { NamedTensors } from './sighting.ts'
import type { TapWitness, Witness } from './witness.ts'

/** Lines of one process: a server that opens models in a loop must not fill the disk. */
const maxLines = 5_000

/** A nameless feature per pixel is no news. */
const maxFeaturesTold = 1_000

/** How often it is looked whether there is still nothing. */
const lookMillis = 1_000

type Environment = Readonly<Record<string, string | undefined>>

/** Tells `driftline doctor`, which has started this process, what happens in it. */
export class Doctor implements Witness {
  readonly #file: string
  readonly #process = `${process.pid}${threadId === 0 ? '' : `.${threadId}`}`
  readonly #told = new Set<string>()
  #lines = 0
  #sightings = 0

  constructor(file: string) {
    this.#file = file
  }

  /** Appends a line; what was told already is not told again. */
  tell(event: DoctorEvent, always = false): void {
    try {
      const line = JSON.stringify({ process: this.#process, ...event })
      if (this.#lines >= maxLines || (!always && this.#told.has(line))) return
      if (!always) this.#told.add(line)
      this.#lines++
      // At once and in one piece: several processes write to this file, and each may end at any time.
      appendFileSync(this.#file, `${line}\n`)
    } catch {
      // The doctor has gone; the server goes on.
    }
  }

  start(environment: Environment, config: string | null): void {
    this.tell({
      event: 'process',
      node: process.versions.node,
      script: process.argv[1] ?? null,
      directory: process.cwd(),
      config,
      endpoint: describeDestination(environment),
      missingExporter: missingExporter(environment),
    })
  }

  patched(name: string, version: string | null): void {
    this.tell({ event: 'library', name, version })
  }

  warned(kind: string, subject: string, reason: string): void {
    this.tell({ event: 'warning', kind, subject, reason })
  }

  sighted(...[sighting, model]: Parameters<Witness['sighted']>): TapWitness {
    const id = ++this.#sightings
    const { library, libraryVersion, kind, name, file, artefactDigest, inputs, outputs } = sighting
    this.tell({
      event: 'model',
      id,
      library,
      version: libraryVersion,
      kind,
      name,
      file,
      digest: artefactDigest,
      inputs,
      outputs,
      model: model === null ? null : { name: model.name, version: model.version },
      described: model?.described ?? false,
    })
    return new SightingDoctor(this, id, model?.described ?? false)
  }

  /** Tells why nothing is recorded for as long as that is so. */
  watchNothing(agent: ModelAgent, clock: Clock): void {
    const look = async (): Promise<void> => {
      try {
        const reason = await reasonForNothing(agent)
        this.tell({ event: 'nothing', reason }, true)
        if (reason === null) return
      } catch {
        // Looked for again the next time.
      }
      clock.after(lookMillis, () => void look(), { hold: false })
    }
    clock.after(lookMillis, () => void look(), { hold: false })
  }
}

class SightingDoctor implements TapWitness {
  readonly #doctor: Doctor
  readonly #id: number
  readonly #described: boolean
  #called = false
  #answered = false

  constructor(doctor: Doctor, id: number, described: boolean) {
    this.#doctor = doctor
    this.#id = id
    this.#described = described
  }

  called(...[features, declared, inputs]: Parameters<TapWitness['called']>): void {
    if (this.#called) return
    this.#called = true
    this.#tellCalled(features, declared || !features.some(({ name }) => isPositional(name)), describeTensors(inputs))
  }

  answered(...[roles, outputs]: Parameters<TapWitness['answered']>): void {
    if (this.#answered) return
    this.#answered = true
    this.#tellAnswered(roles, describeTensors(outputs))
  }

  recorded(...[rows, output]: Parameters<TapWitness['recorded']>): void {
    if (this.#called || rows.length === 0) return
    this.#called = true
    const features = discoverFeatures(rows.slice(0, 1))
    this.#tellCalled(features, this.#described || !features.some(({ name }) => isPositional(name)), [])
    const given = Object.entries(output).filter(([, values]) => values !== undefined && values.length > 0)
    this.#tellAnswered(Object.fromEntries(given.map(([role]) => [roleNames.get(role) ?? role, null])), [])
  }

  #tellCalled(features: Parameters<TapWitness['called']>[0], named: boolean, tensors: readonly DoctorTensor[]): void {
    const told = features.slice(0, maxFeaturesTold).map(({ name, kind }) => ({ name, kind }))
    this.#doctor.tell({ event: 'called', id: this.#id, features: told, named, tensors })
  }

  #tellAnswered(roles: Readonly<Record<string, string | null>>, tensors: readonly DoctorTensor[]): void {
    this.#doctor.tell({ event: 'answered', id: this.#id, roles, tensors })
  }
}

/** Columns of batches, by what one value of them is. */
const roleNames: ReadonlyMap<string, string> = new Map([
  ['classes', 'class'],
  ['scores', 'score'],
  ['confidences', 'confidence'],
  ['values', 'value'],
  ['segments', 'segment'],
  ['ids', 'id'],
])

/** Whether a name was made of a position, as in `input[3]`. */
function isPositional(name: string): boolean {
  return /\[\d+\]$/.test(name)
}

function describeTensors(tensors: NamedTensors): readonly DoctorTensor[] {
  return Object.entries(tensors).flatMap(([name, tensor]) =>
    tensor === null || tensor === undefined ? [] : [{ name, type: tensor.type, shape: [...tensor.dims] }],
  )
}

/** The package that metrics would be sent with, if it is not there: in the application's folder, or where this package is. */
function missingExporter({
  OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: metrics,
  OTEL_EXPORTER_OTLP_PROTOCOL: all,
}: Environment): string | null {
  const protocol = [metrics, all].find((text) => text !== undefined && text !== '') ?? 'http/protobuf'
  const name = exporterPackage(protocol === 'http/json' ? protocol : 'http/protobuf')
  for (const place of [import.meta.url, join(process.cwd(), 'package.json')]) {
    try {
      createRequire(place).resolve(name)
      return null
    } catch {
      // Perhaps at the other place.
    }
  }
  return name
}
