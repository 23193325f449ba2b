import type {
  BodiesSeen,
  DoctorLine,
  ModelAnswered,
  ModelCalled,
  ModelSeen,
  ProcessStarted,
} from '@driftline/instrumentation/contract'

/** Routes that are listed; a path with an id in it is a route of its own here. */
const maxRoutes = 50

/** A model, however many processes opened it. */
export interface SeenModel extends Omit<ModelSeen, 'event' | 'id'> {
  called: Omit<ModelCalled, 'event' | 'id'> | null
  answered: Omit<ModelAnswered, 'event' | 'id'> | null
}

export interface SeenRoute {
  readonly method: string
  readonly path: string
  requests: number
  bodies: Pick<BodiesSeen, 'request' | 'response'> | null
}

export interface SeenLibrary {
  readonly name: string
  readonly version: string | null
}

export interface SeenWarning {
  readonly kind: string
  readonly subject: string
  readonly reason: string
}

/** What the processes of a server told. */
export class Findings {
  readonly processes: Map<string, ProcessStarted> = new Map()
  readonly libraries: Map<string, SeenLibrary> = new Map()
  readonly warnings: Map<string, SeenWarning> = new Map()
  readonly problems: Set<string> = new Set()
  /** Why a process recorded nothing, the latest of each. */
  readonly #nothing = new Map<string, string | null>()
  readonly #models = new Map<string, SeenModel>()
  readonly #sightings = new Map<string, SeenModel>()
  readonly #routes = new Map<string, SeenRoute>()
  /** Requests to routes beyond those listed. */
  otherRequests = 0

  get models(): readonly SeenModel[] {
    return [...this.#models.values()]
  }

  get routes(): readonly SeenRoute[] {
    return [...this.#routes.values()]
  }

  /** Of the process that is the server: the last one that was started, since npm and shells come before it. */
  get server(): ProcessStarted | null {
    return [...this.processes.values()].at(-1) ?? null
  }

  get nothing(): string | null {
    const [latest] = [...this.processes.keys()].filter((name) => this.#nothing.has(name)).slice(-1)
    return latest === undefined ? null : (this.#nothing.get(latest) ?? null)
  }

  /** @param text one line of the file; what is no line of a doctor is passed over */
  read(text: string): void {
    let line: DoctorLine
    try {
      line = JSON.parse(text) as DoctorLine
    } catch {
      return
    }
    switch (line.event) {
      case 'process':
        this.processes.set(line.process, line)
        break
      case 'library':
        this.libraries.set(`${line.name} ${line.version}`, { name: line.name, version: line.version })
        break
      case 'model':
        this.#addModel(line.process, line)
        break
      case 'called':
      case 'answered': {
        const model = this.#sightings.get(`${line.process} ${line.id}`)
        if (model === undefined) break
        if (line.event === 'called')
          model.called ??= { features: line.features, named: line.named, tensors: line.tensors }
        else model.answered ??= { roles: line.roles, tensors: line.tensors }
        break
      }
      case 'request':
      case 'bodies': {
        const route = this.#routeOf(line.method, line.path)
        if (line.event === 'request') {
          if (route === null) this.otherRequests++
          else route.requests++
        } else if (route !== null) route.bodies = { request: line.request, response: line.response }
        break
      }
      case 'warning':
        this.warnings.set(`${line.kind} ${line.subject}`, line)
        break
      case 'problem':
        this.problems.add(line.reason)
        break
      case 'nothing':
        this.#nothing.set(line.process, line.reason)
        break
    }
  }

  #addModel(process: string, { id, library, version, kind, name, file, digest, ...more }: ModelSeen): void {
    const key = [library, kind, name, file, digest].join(' ')
    const model = this.#models.get(key) ?? {
      library,
      version,
      kind,
      name,
      file,
      digest,
      inputs: more.inputs,
      outputs: more.outputs,
      model: more.model,
      described: more.described,
      called: null,
      answered: null,
    }
    this.#models.set(key, model)
    this.#sightings.set(`${process} ${id}`, model)
  }

  #routeOf(method: string, path: string): SeenRoute | null {
    const key = `${method} ${path}`
    const known = this.#routes.get(key)
    if (known !== undefined) return known
    if (this.#routes.size >= maxRoutes) return null
    const route: SeenRoute = { method, path, requests: 0, bodies: null }
    this.#routes.set(key, route)
    return route
  }
}
