import { existsSync, readFileSync, statSync } from 'node:fs'
import { join, normalize } from 'node:path'
import { Script } from 'node:vm'
import { parse } from 'yaml'
import type { DashboardsFile, DatasourcesFile } from '../../collector/src/grafana/provisioning-format.ts'
import { dashboardsFile, datasourcesFile } from '../../collector/test/grafana/provisioning-schema.ts'
import { files as secretFiles, grafanaInfluxToken, secrets } from '../../docker/make-secrets.ts'
import {
  composeVariables,
  filesBelow,
  mountsOf,
  parseCompose,
  parseDockerfile,
  wholeStage,
  type Compose,
  type Service,
  type StackFiles,
} from './stack.ts'

/** What the code says, found out by the caller. */
export interface Code {
  /** Variables that the collector reads. */
  readonly collectorVariables: ReadonlySet<string>
  readonly collectorPort: number
}

/** By the name of the image: its user when none is given, its port, and commands for a healthcheck that it contains. */
const images: Readonly<Record<string, { user: string; port: number; commands: readonly string[]; variables: RegExp }>> =
  {
    influxdb: {
      user: '1000',
      port: 8086,
      commands: ['influx', 'curl'],
      variables:
        /^(?:DOCKER_INFLUXDB_INIT_(?:MODE|USERNAME|USERNAME_FILE|PASSWORD_FILE|ADMIN_TOKEN_FILE|ORG|BUCKET|RETENTION)|INFLUXD_REPORTING_DISABLED)$/,
    },
    'influxdb-core': { user: '1500', port: 8181, commands: ['curl'], variables: /^INFLUXDB3_[A-Z_]+$/ },
    'grafana/grafana': {
      user: '472',
      port: 3000,
      commands: ['wget', 'curl'],
      variables: /^GF_(?:SECURITY|AUTH|USERS|ANALYTICS|PLUGINS|SERVER|DASHBOARDS)_[A-Z_]+$/,
    },
  }

/** Every way in which the stack is at odds with itself or with the code; empty when there is none. */
export function checkStack(stack: StackFiles, code: Code): string[] {
  const compose = parseCompose(stack.compose)
  return [
    ...Object.entries(compose.services).flatMap(([name, service]) => [
      ...checkImage(name, service, compose),
      ...checkHardening(name, service),
      ...checkPorts(name, service, stack, code),
      ...checkVariables(name, service, stack, code),
      ...checkMounts(name, service, compose, stack),
      ...checkSecrets(name, service),
      ...checkHealth(name, service),
      ...checkCommand(name, service, stack),
    ]),
    ...checkPublished(compose),
    ...checkVolumes(compose),
    ...checkOrder(compose),
    ...checkDockerfile(stack, code),
    ...checkEnvExample(stack),
    ...checkProvisioning(stack, compose),
  ]
}

function isOurs(service: Service): boolean {
  return service.image.startsWith('driftline-')
}

function imageOf({ image }: Service): (typeof images)[string] | undefined {
  const [name = '', tag = ''] = image.split(':')
  return images[tag.endsWith('-core') ? `${name}-core` : name]
}

function targetOf(service: Service): string {
  return /^driftline-(\w+):/.exec(service.image)?.[1] ?? ''
}

function checkImage(name: string, service: Service, { services }: Compose): string[] {
  const { image } = service
  const problems: string[] = []
  if (!/:\d+\.\d+\.\d+(?:-core)?$/.test(image)) problems.push(`${name}: the image ${image} is not pinned`)
  if (image.startsWith('grafana/grafana:13.2.')) problems.push(`${name}: 13.2 cannot delete provisioned rules`)
  if (!isOurs(service)) {
    if (imageOf(service) === undefined) problems.push(`${name}: ${image} is not known`)
    return problems
  }
  const builders = Object.values(services).filter((one) => one.image === image && one.build !== undefined)
  if (builders.length !== 1) problems.push(`${name}: ${builders.length} services build ${image}`)
  if (service.build === undefined && service.pull_policy !== 'never') problems.push(`${name}: would be pulled`)
  if (service.build !== undefined && service.build.target !== targetOf(service))
    problems.push(`${name}: ${image} is built from ${service.build.target}`)
  return problems
}

function checkHardening(name: string, service: Service): string[] {
  const { cap_drop, cap_add = [], security_opt, read_only, tmpfs, logging, restart } = service
  const oneShot = restart === 'no'
  const demands: [boolean, string][] = [
    [cap_drop?.includes('ALL') === true, 'keeps capabilities'],
    [cap_add.length === 0 || (oneShot && cap_add.join() === 'CHOWN'), `adds ${cap_add.join()}`],
    [security_opt?.includes('no-new-privileges:true') === true, 'may gain privileges'],
    [read_only === true && tmpfs?.includes('/tmp') === true, 'has no read-only root with /tmp beside it'],
    [oneShot || restart === 'unless-stopped', 'is not started again'],
    [logging?.options['max-size'] !== undefined && logging.options['max-file'] !== undefined, 'has endless logs'],
    [oneShot || !/^0(?::|$)/.test(service.user ?? ''), 'runs as root'],
  ]
  return demands.filter(([met]) => !met).map(([, problem]) => `${name}: ${problem}`)
}

/** The port that the process of the service listens on. */
function listeningPort(service: Service, { root }: StackFiles, code: Code): number | null {
  if (!isOurs(service)) return imageOf(service)?.port ?? null
  if (targetOf(service) === 'collector')
    return service.restart === 'no' ? null : Number(service.environment?.['DRIFTLINE_PORT'] ?? code.collectorPort)
  if (service.command?.some((part) => part.endsWith('/server.ts')) !== true) return null
  const source = readFileSync(join(root, 'examples/employment/serve.ts'), 'utf8')
  return Number(service.environment?.['PORT'] ?? /process\.env\['PORT'\] \?\? (\d+)/.exec(source)?.[1])
}

function checkPorts(name: string, service: Service, stack: StackFiles, code: Code): string[] {
  const listening = listeningPort(service, stack, code)
  return (service.ports ?? []).flatMap((text) => {
    const [address, , inside] = text.split(':')
    return [
      ...(address === '127.0.0.1' ? [] : [`${name}: ${text} is published beyond loopback`]),
      ...(Number(inside) === listening ? [] : [`${name}: publishes ${inside} and listens on ${listening}`]),
    ]
  })
}

function checkPublished({ services }: Compose): string[] {
  const published = Object.values(services).flatMap(({ ports = [] }) => ports.map((text) => text.split(':')[1]!))
  return published
    .filter((port, i) => published.indexOf(port) !== i)
    .map((port) => `the port ${port} is published twice`)
}

/** OTEL_* that our instrumentation or the exporters it uses read, by their sources. */
function openTelemetryVariables(root: string): Set<string> {
  const sources = [
    ...filesBelow(root, 'instrumentation/src'),
    ...filesBelow(root, 'node_modules/@opentelemetry/otlp-exporter-base/build/src'),
  ].filter((path) => /\.(?:ts|js)$/.test(path))
  return new Set(
    sources.flatMap((path) => readFileSync(join(root, path), 'utf8').match(/\bOTEL_[A-Z_]*[A-Z]\b/g) ?? []),
  )
}

function checkVariables(name: string, service: Service, { root }: StackFiles, code: Code): string[] {
  const { environment = {}, restart } = service
  let known: (variable: string) => boolean
  if (!isOurs(service)) known = (variable) => imageOf(service)?.variables.test(variable) === true
  else if (restart === 'no') known = (variable) => variable in secrets || variable === grafanaInfluxToken
  else if (targetOf(service) === 'collector') known = (variable) => code.collectorVariables.has(variable)
  else {
    const source = readFileSync(join(root, 'examples/employment/serve.ts'), 'utf8')
    const own = new Set([...source.matchAll(/process\.env\['(\w+)'\]/g)].map((match) => match[1]!))
    const otel = openTelemetryVariables(root)
    known = (variable) => own.has(variable) || otel.has(variable)
  }
  return Object.entries(environment).flatMap(([variable, value]) => [
    ...(known(variable) ? [] : [`${name}: nobody reads ${variable}`]),
    ...(typeof value === 'string' ? [] : [`${name}: ${variable} is not a text`]),
    ...(/TOKEN|PASSWORD|SECRET/.test(variable) && !variable.endsWith('_FILE') && value !== ''
      ? [`${name}: ${variable} has a value in the file`]
      : []),
  ])
}

function checkMounts(name: string, service: Service, { volumes }: Compose, { root }: StackFiles): string[] {
  return mountsOf(service).flatMap(({ source, target, readOnly, bind }) => {
    if (!target.startsWith('/')) return [`${name}: ${source} has no place`]
    if (!bind) return source in volumes ? [] : [`${name}: the volume ${source} is not declared`]
    const path = join(root, source)
    if (!existsSync(path)) return [`${name}: ${source} does not exist`]
    const all = [source, ...filesBelow(root, normalize(source))]
    // The reader is another user than the owner of the checkout.
    const unreadable = all.filter((one) => (statSync(join(root, one)).mode & 0o004) === 0)
    return [
      ...(readOnly ? [] : [`${name}: ${source} can be written`]),
      ...unreadable.map((one) => `${name}: ${one} is not readable for all`),
    ]
  })
}

function checkVolumes({ services, volumes }: Compose): string[] {
  const used = new Set(Object.values(services).flatMap((service) => mountsOf(service).map(({ source }) => source)))
  return Object.keys(volumes)
    .filter((name) => !used.has(name))
    .map((name) => `the volume ${name} is used by nobody`)
}

/** Files of secrets that a service names have to be made, for it, and be readable by its user. */
function checkSecrets(name: string, service: Service): string[] {
  if (service.restart === 'no') return []
  const texts = [...Object.values(service.environment ?? {}), ...(service.command ?? [])].map(String)
  const mount = mountsOf(service).find(({ target }) => target === '/secrets')
  const folder = mount?.source.replace(/-secrets$/, '')
  const user = service.user?.split(':')[0] ?? imageOf(service)?.user ?? '1000'
  return [
    ...(mount === undefined || mount.readOnly ? [] : [`${name}: its secrets can be written`]),
    ...texts
      .flatMap((text) => text.match(/\/secrets\/[\w.-]+/g) ?? [])
      .flatMap((path) => {
        const file = secretFiles.find((one) => one.path === path.replace('/secrets', folder ?? '?'))
        if (file === undefined) return [`${name}: nobody makes ${path}`]
        return String(file.user) === user ? [] : [`${name}: ${path} belongs to user ${file.user}, not ${user}`]
      }),
  ]
}

function checkHealth(name: string, service: Service): string[] {
  const { healthcheck, restart, ports = [] } = service
  if (restart === 'no') return []
  if (healthcheck === undefined) return [`${name}: has no healthcheck`]
  const [kind, command = '', ...rest] = healthcheck.test
  const commands = isOurs(service) ? ['node'] : (imageOf(service)?.commands ?? [])
  const inside = ports.map((text) => text.split(':')[2])
  const asked = [...rest.join(' ').matchAll(/(?:localhost|127\.0\.0\.1):(\d+)/g)].map((match) => match[1])
  return [
    ...(kind === 'CMD' ? [] : [`${name}: its healthcheck needs a shell`]),
    ...(commands.includes(command) ? [] : [`${name}: its image has no ${command}`]),
    ...(ports.length > 0 && asked.length === 0 ? [`${name}: its healthcheck asks no port`] : []),
    ...asked.filter((port) => !inside.includes(port)).map((port) => `${name}: its healthcheck asks port ${port}`),
    ...(command === 'node' ? checkScript(name, rest) : []),
  ]
}

function checkScript(name: string, [option, script = '']: readonly string[]): string[] {
  if (option !== '-e') return [`${name}: its healthcheck is no script`]
  try {
    return new Script(script) instanceof Script ? [] : [`${name}: its healthcheck is no script`]
  } catch (error) {
    return [`${name}: its healthcheck cannot be parsed: ${String(error)}`]
  }
}

/** Files of the image that the service names must be in it. */
function checkCommand(name: string, service: Service, stack: StackFiles): string[] {
  if (!isOurs(service)) return []
  const named = [...(service.entrypoint ?? []), ...(service.command ?? [])].filter((part) => part.startsWith('/app/'))
  return named
    .filter((path) => !isInImage(stack, targetOf(service), path))
    .map((path) => `${name}: ${path} is not in the image`)
}

/** True when the stage copies the file there, from the repository or from what is built out of it. */
function isInImage(stack: StackFiles, stageName: string, path: string): boolean {
  const { stages } = parseDockerfile(stack.dockerfile)
  const relative = path.replace(/^\/app\//, '')
  const copied = (name: string): boolean =>
    wholeStage(stages, name).some(({ name: kind, text }) => {
      if (kind !== 'COPY') return false
      const from = /^--from=(\S+) (\S+)/.exec(text)
      if (from !== null) return from[2] === '/app' && copied(from[1]!)
      const parts = text.split(' ')
      const target = parts.at(-1)!
      return parts.slice(0, -1).some((source) => {
        const prefix = source.replace(/[^/]*\*.*$/, '')
        const placed = target.endsWith('/') ? `${target}${source.split('/').at(-1)}` : target
        if (source.includes('*'))
          return relative.startsWith(prefix) && target === prefix && sourceExists(stack, relative)
        return (relative === placed || relative.startsWith(`${placed}/`)) && sourceExists(stack, relative)
      })
    })
  return copied(stageName)
}

function sourceExists({ root }: StackFiles, path: string): boolean {
  return existsSync(join(root, path))
}

function checkOrder({ services }: Compose): string[] {
  const problems: string[] = []
  for (const [name, { depends_on = {}, profiles }] of Object.entries(services)) {
    for (const [other, { condition }] of Object.entries(depends_on)) {
      const service = services[other]
      if (service === undefined) problems.push(`${name}: waits for ${other}, which there is not`)
      else if (condition === 'service_healthy' && service.healthcheck === undefined)
        problems.push(`${name}: waits for the health of ${other}, which has no healthcheck`)
      else if (condition === 'service_completed_successfully' && service.restart !== 'no')
        problems.push(`${name}: waits for the end of ${other}, which never ends`)
      else if (!['service_healthy', 'service_completed_successfully'].includes(condition))
        problems.push(`${name}: waits for ${other} to have started only`)
      if (profiles === undefined && service?.profiles !== undefined)
        problems.push(`${name}: waits for ${other}, which is in a profile`)
    }
  }
  const walk = (name: string, path: readonly string[]): void => {
    if (path.includes(name)) problems.push([...path, name].join(' waits for '))
    else for (const other of Object.keys(services[name]?.depends_on ?? {})) walk(other, [...path, name])
  }
  for (const name of Object.keys(services)) walk(name, [])
  return problems
}

function checkDockerfile(stack: StackFiles, code: Code): string[] {
  const { root, dockerfile, dockerignore } = stack
  const { stages, nodeImage } = parseDockerfile(dockerfile)
  const problems: string[] = []
  if (!/^node:24\.\d+\.\d+-[a-z]+-slim$/.test(nodeImage)) problems.push(`Dockerfile: ${nodeImage} is no pinned Node 24`)
  const allowed = dockerignore.split('\n').flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : []))
  if (!dockerignore.split('\n').includes('*')) problems.push('.dockerignore: lets everything in')
  for (const { name, from, instructions } of stages) {
    if (from !== '${NODE_IMAGE}' && !stages.some((one) => one.name === from))
      problems.push(`Dockerfile: ${name} is made from ${from}`)
    for (const { name: kind, text } of instructions) {
      if (kind !== 'COPY') continue
      const parts = text.split(' ')
      if (parts[0]!.startsWith('--from=')) {
        if (!stages.some((one) => `--from=${one.name}` === parts[0])) problems.push(`Dockerfile: no stage for ${text}`)
        const built = /^\/app\/(.*)\/dist$/.exec(parts[1]!)
        if (parts[1] !== '/app' && (built === null || !existsSync(join(root, built[1]!, 'src'))))
          problems.push(`Dockerfile: ${parts[1]} is not built`)
        continue
      }
      for (const source of parts.slice(0, -1)) {
        const plain = source.replace(/\/?[^/]*\*.*$/, '')
        if (!existsSync(join(root, plain))) problems.push(`Dockerfile: ${source} does not exist`)
        if (!allowed.some((one) => plain === one || plain.startsWith(`${one}/`)))
          problems.push(`.dockerignore: leaves ${source} out`)
      }
    }
  }
  const { workspaces } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { workspaces: string[] }
  for (const workspace of workspaces)
    if (!dockerfile.includes(`COPY ${workspace}/package.json ${workspace}/\n`))
      problems.push(`Dockerfile: npm misses the workspace ${workspace}`)
  for (const [target, port] of [
    ['collector', code.collectorPort],
    ['example', 3000],
  ] as const) {
    const whole = wholeStage(stages, target)
    const last = (kind: string): string => whole.findLast(({ name }) => name === kind)?.text ?? ''
    if (!/^(?!root$|0)\w+$/.test(last('USER'))) problems.push(`Dockerfile: ${target} runs as root`)
    if (last('EXPOSE') !== String(port)) problems.push(`Dockerfile: ${target} exposes ${last('EXPOSE')}`)
    if (!last('HEALTHCHECK').includes(`127.0.0.1:${port}/healthz`))
      problems.push(`Dockerfile: ${target}: no healthcheck`)
    const run = `${last('ENTRYPOINT')} ${last('CMD')}`
    const named = run.match(/\/app\/[\w./-]+/g) ?? []
    if (named.length === 0) problems.push(`Dockerfile: ${target} runs nothing`)
    for (const path of named)
      if (!isInImage(stack, target, path)) problems.push(`Dockerfile: ${path} is not in the image ${target}`)
    for (const built of ['instrumentation', 'collector'])
      if (!whole.some(({ text }) => text === `--from=build /app/${built}/dist ${built}/dist`))
        problems.push(`Dockerfile: ${target} lacks what is built of ${built}`)
  }
  if (stages.at(-1)?.name !== 'collector') problems.push('Dockerfile: the default target is not the collector')
  return problems
}

function checkEnvExample({ compose, envExample }: StackFiles): string[] {
  const read = composeVariables(compose)
  const shown = new Map([...envExample.matchAll(/^#?([A-Z][A-Z0-9_]*)=(.*)$/gm)].map((match) => [match[1]!, match[2]!]))
  const set = [...envExample.matchAll(/^([A-Z][A-Z0-9_]*)=/gm)]
  return [
    ...[...read.keys()].filter((name) => !shown.has(name)).map((name) => `.env.example: lacks ${name}`),
    ...[...shown.keys()].filter((name) => !read.has(name)).map((name) => `.env.example: nobody reads ${name}`),
    ...set.map((match) => `.env.example: sets ${match[1]}`),
    ...[...read].flatMap(([name, defaults]) =>
      defaults.size === 1 && defaults.has(shown.get(name) ?? '') ? [] : [`.env.example: ${name} has another default`],
    ),
  ]
}

function checkProvisioning({ root, dataSources, dashboardProvider }: StackFiles, { services }: Compose): string[] {
  const sources: unknown = parse(dataSources)
  const providers: unknown = parse(dashboardProvider)
  const issues = [datasourcesFile.safeParse(sources), dashboardsFile.safeParse(providers)].flatMap(
    ({ error }) => error?.issues.map(({ path, message }) => `provisioning: ${path.join('.')}: ${message}`) ?? [],
  )
  if (issues.length > 0) return issues
  const grafana = services['grafana']
  if (grafana === undefined) return ['there is no grafana']
  const mounts = mountsOf(grafana)
  const problems: string[] = []
  if (
    !mounts.some(
      ({ source, target }) => source === './dashboards/grafana/provisioning' && target === '/etc/grafana/provisioning',
    )
  )
    problems.push('grafana: the provisioning is not mounted')
  for (const { url, jsonData, secureJsonData } of (sources as DatasourcesFile).datasources) {
    const { hostname, port } = new URL(url)
    const service = services[hostname]
    if (service === undefined) problems.push(`provisioning: there is no service ${hostname}`)
    else if (Number(port) !== imageOf(service)?.port)
      problems.push(`provisioning: ${hostname} does not listen on ${port}`)
    for (const [name, { environment = {} }] of Object.entries(services)) {
      const database = environment['DRIFTLINE_INFLUX_DATABASE']
      if (database !== undefined && database !== jsonData['dbName'])
        problems.push(`provisioning: reads ${jsonData['dbName']}, ${name} writes ${database}`)
    }
    const value = secureJsonData?.['httpHeaderValue1'] ?? ''
    const path = /^Token \$__file\{(.+)\}$/.exec(value)?.[1]
    const variable = /^Token \$(\w+)$/.exec(value)?.[1]
    if (path !== undefined) problems.push(...checkSecrets('grafana', { ...grafana, command: [path] }))
    else if (variable === undefined || !(variable in (grafana.environment ?? {})))
      problems.push(`provisioning: grafana does not have ${value}`)
  }
  for (const { options } of (providers as DashboardsFile).providers) {
    const mount = mounts.find(({ target }) => target === options.path)
    if (mount === undefined) problems.push(`provisioning: nothing is mounted at ${options.path}`)
    else if (!filesBelow(root, normalize(mount.source)).some((file) => file.endsWith('.json')))
      problems.push(`provisioning: ${mount.source} has no dashboards`)
  }
  const home = grafana.environment?.['GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH'] ?? ''
  const folder = mounts.find(({ target }) => home.startsWith(`${target}/`))
  if (folder === undefined || !existsSync(join(root, folder.source, home.slice(folder.target.length))))
    problems.push(`grafana: there is no dashboard ${home}`)
  return problems
}
