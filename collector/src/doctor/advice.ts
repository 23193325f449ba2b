import { isTensorModel, modelEntry, routeEntry } from './first-config.ts'
import type { SeenModel } from './findings.ts'
import type { ServerRun } from './server-run.ts'

/** Something for a person to do or to know, in words. */
export interface Advice {
  /** `failure`: something does not work; `missing`: it works, but would be better with it. */
  readonly kind: 'failure' | 'missing'
  readonly text: string
  /** An entry of `models` in driftline.instrument.json. */
  readonly example?: object
}

export interface AdviceSources {
  readonly run: ServerRun
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly directory: string
  /** Why nobody answers where metrics would go; null when somebody does, or it was not tried. */
  readonly unreachable: string | null
}

/** What does not work and what is missing, the worst first. */
export function findAdvice(sources: AdviceSources): readonly Advice[] {
  const { run, unreachable } = sources
  const { findings } = run
  const { server } = findings
  const advice = [...failures(sources)]
  for (const model of findings.models) advice.push(...modelAdvice(model, sources))
  for (const { kind, subject, reason } of findings.warnings.values())
    advice.push({ kind: 'failure', text: `${kind}: ${subject}: ${reason}` })
  if (server !== null && server.missingExporter !== null)
    advice.push({
      kind: 'failure',
      text: `${server.missingExporter} is not installed, so that nothing could be sent: npm install ${server.missingExporter} @opentelemetry/api`,
    })
  if (server !== null && unreachable !== null)
    advice.push({
      kind: 'failure',
      text: `no collector answers at ${server.endpoint} (${unreachable}): start one with 'driftline collector', or set OTEL_EXPORTER_OTLP_ENDPOINT`,
    })
  return advice.toSorted((a, b) => Number(a.kind === 'missing') - Number(b.kind === 'missing'))
}

function* failures({ run, environment }: AdviceSources): Generator<Advice> {
  const { findings, reason, status, signal, requests } = run
  const { server } = findings
  const failure = (text: string): Advice => ({ kind: 'failure', text })
  const ended = signal === null ? `status ${status}` : signal
  const wasCalled = findings.models.some(({ called }) => called !== null)
  if (reason === 'ended' && !(status === 0 && wasCalled))
    yield failure(`the command ended by itself with ${ended}${wasCalled ? '' : ' before a model call was seen'}`)
  for (const { method, url, status: answer } of requests) {
    if (answer === null) yield failure(`${method} ${url} got no answer`)
    else if (answer >= 400) yield failure(`${method} ${url} was answered with ${answer}`)
  }
  if (server === null) {
    const off = ['OTEL_SDK_DISABLED', 'DRIFTLINE_DISABLED'].find(
      (name) => environment[name]?.trim().toLowerCase() === 'true',
    )
    if (off !== undefined) yield failure(`${off} is set: nothing of Driftline runs`)
    else if (reason !== 'ended' || status === 0)
      yield failure(
        'Driftline was not loaded: the command starts no Node.js, or one that is too old, or it replaces NODE_OPTIONS; then put --import @driftline/instrumentation/register into it',
      )
    return
  }
  for (const problem of findings.problems) yield failure(`nothing is watched: ${problem}`)
  if (findings.problems.size > 0) return
  if (findings.models.length > 0 || reason === 'ended') return
  const routes = findings.routes.filter(({ bodies }) => bodies !== null)
  const why = findings.nothing ?? 'no model was opened'
  if (routes.length === 0) {
    yield failure(
      findings.routes.length > 0
        ? `${why}; a route can be watched in its place: make a prediction with --request 'POST URL {...}', so that it can be suggested`
        : `${why}; no request came either: make one with --request, as some servers open their model only then`,
    )
    return
  }
  yield { kind: 'missing', text: `${why}. Routes are watched only when they are configured` }
  for (const route of routes)
    yield {
      kind: 'missing',
      text: `${route.method} ${route.path} takes and gives JSON. If it predicts, add it like this, and look whether the guesses are right`,
      example: routeEntry(route),
    }
}

function* modelAdvice(model: SeenModel, { directory, run }: AdviceSources): Generator<Advice> {
  const { called, answered, name, model: recorded, described } = model
  if (recorded === null) return
  if (called === null) {
    const refused = [...run.findings.warnings.values()].some(({ subject }) => subject === recorded.name)
    if (!refused) yield { kind: 'missing', text: `${name} was opened, but not called: make a request with --request` }
    return
  }
  const example = modelEntry(model, directory)
  if (example.manifest !== undefined && !described) {
    yield {
      kind: 'missing',
      text: `${example.manifest} describes ${name}, but is not used. Add it like this`,
      example,
    }
    return
  }
  const { features, named } = called
  if (!named && features.length > 0) {
    yield {
      kind: 'missing',
      text: `no names: the features of ${name} are called ${features[0]!.name}${features.length > 1 ? ` to ${features.at(-1)!.name}` : ''}. Add them like this`,
      example: shortened(example),
    }
  }
  if (isTensorModel(model) && answered !== null && Object.values(answered.roles).every((output) => output === null)) {
    const outputs = answered.tensors.map((tensor) => tensor.name).join(', ')
    yield {
      kind: 'missing',
      text: `none of the outputs of ${name} (${outputs}) is a class, score or value, as far as can be told. Say which one is`,
      example: { match: example.match, outputs: { score: answered.tensors[0]?.name ?? 'name of an output' } },
    }
  }
}

/** Names that are shown in an example. */
const shownNames = 3

function shortened<Entry extends { readonly inputs?: { readonly features?: readonly string[] } }>(
  entry: Entry,
): object {
  const features = entry.inputs?.features
  if (features === undefined) return entry
  const shown = features.slice(0, shownNames).map((name) => `name of ${name}`)
  return { ...entry, inputs: { features: features.length > shownNames ? [...shown, '...'] : shown } }
}
