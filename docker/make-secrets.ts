import { randomBytes } from 'node:crypto'
import { chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/**
 * Runs once before everything else of docker-compose.yml: secrets that the environment does not give are made up at the first start and
 * kept in a volume of their own; every service gets a volume with those that it needs, and no others.
 */

/** A secret by the environment variable that sets it. */
interface Secret {
  readonly make: () => string
  /** What InfluxDB, Grafana or the collector would refuse, found here instead of in a log of theirs. */
  readonly allowed: RegExp
  readonly expected: string
}

const random = (): string => randomBytes(32).toString('hex')
// Visible ASCII: they stand in HTTP headers. No $, as Grafana expands it once more.
const token = { make: random, allowed: /^[!-#%-~]{16,256}$/, expected: '16 to 256 visible characters other than $' }
const password = { make: random, allowed: /^[!-~]{8,72}$/, expected: '8 to 72 visible characters' }

export const secrets: Readonly<Record<string, Secret>> = {
  INFLUX_TOKEN: token,
  INFLUX_PASSWORD: password,
  INFLUX3_TOKEN: {
    make: () => `apiv3_${randomBytes(64).toString('base64url')}`,
    allowed: /^apiv3_[A-Za-z0-9_-]{22,256}$/,
    expected: 'apiv3_ and at least 22 letters, digits, _ and -',
  },
  GRAFANA_PASSWORD: password,
  INGEST_TOKEN: token,
  ADMIN_TOKEN: token,
}

/** Takes the place of INFLUX_TOKEN for Grafana, which only reads. Never made up: only InfluxDB can make a token with fewer rights. */
export const grafanaInfluxToken = 'GRAFANA_INFLUX_TOKEN'

/** Users of the images: influxdb of influxdb:2.9, influxdb3 of influxdb:3-core, grafana, and node. */
const users = { influxdb: 1000, influxdb3: 1500, grafana: 472, node: 1000 } as const

export interface SecretFile {
  /** Inside the directory of all volumes: the first part is the volume. */
  readonly path: string
  /** Numeric id of the user that may read it, and nobody else. */
  readonly user: number
  readonly content: (secret: (name: string) => string) => string
}

/** Which service is told which secret. */
export const files: readonly SecretFile[] = [
  { path: 'influxdb/token', user: users.influxdb, content: (secret) => secret('INFLUX_TOKEN') },
  { path: 'influxdb/password', user: users.influxdb, content: (secret) => secret('INFLUX_PASSWORD') },
  {
    path: 'influxdb3/admin-token.json',
    user: users.influxdb3,
    content: (secret) => JSON.stringify({ token: secret('INFLUX3_TOKEN'), name: '_admin' }),
  },
  { path: 'grafana/password', user: users.grafana, content: (secret) => secret('GRAFANA_PASSWORD') },
  { path: 'grafana/influx-token', user: users.grafana, content: (secret) => secret(grafanaInfluxToken) },
  { path: 'collector/ingest-token', user: users.node, content: (secret) => secret('INGEST_TOKEN') },
  { path: 'collector/admin-token', user: users.node, content: (secret) => secret('ADMIN_TOKEN') },
  { path: 'collector/influx-token', user: users.node, content: (secret) => secret('INFLUX_TOKEN') },
  { path: 'collector/influx3-token', user: users.node, content: (secret) => secret('INFLUX3_TOKEN') },
  {
    // For `node --env-file`; the variable's values are percent-encoded.
    path: 'server/otlp.env',
    user: users.node,
    content: (secret) =>
      `OTEL_EXPORTER_OTLP_HEADERS="authorization=${encodeURIComponent(`Bearer ${secret('INGEST_TOKEN')}`)}"\n`,
  },
]

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Writes every secret of the environment, or the one that was made before, or a new one. Doing it again changes nothing.
 *
 * @returns one line per thing that a person may want to know; no secret stands in it.
 * @throws Error naming every variable that cannot be used.
 */
export function makeSecrets(directory: string, environment: Environment): string[] {
  const given = (name: string): string | undefined => environment[name] || undefined
  const check = (name: string, { allowed, expected }: Secret): string[] => {
    const value = given(name)
    return value === undefined || allowed.test(value) ? [] : [`${name}: expected ${expected}`]
  }
  const problems = [
    ...Object.entries(secrets).flatMap(([name, secret]) => check(name, secret)),
    ...check(grafanaInfluxToken, token),
  ]
  if (problems.length > 0) throw new Error(problems.join('\n'))

  const lines: string[] = []
  const values = new Map<string, string>()
  for (const [name, { make }] of Object.entries(secrets)) {
    const kept = join(directory, 'kept', name)
    const before = existsSync(kept) ? readFileSync(kept, 'utf8') : undefined
    const value = given(name) ?? before ?? make()
    if (before === undefined)
      lines.push(`${name}: ${given(name) === undefined ? 'made' : 'taken from the environment'}`)
    // A database that was set up with the former one does not know of the new one.
    else if (before !== value)
      lines.push(`${name}: changed; what was set up with the former one must be told (docs/docker.md)`)
    if (before !== value) write(kept, value, null)
    values.set(name, value)
  }
  values.set(grafanaInfluxToken, given(grafanaInfluxToken) ?? values.get('INFLUX_TOKEN')!)

  for (const { path, user, content } of files) {
    write(
      join(directory, path),
      content((name) => values.get(name)!),
      user,
    )
  }
  return lines
}

/** Readable by one user only; replaced at once, as a service may read it at this moment. Only root can hand a file to another user. */
function write(path: string, content: string, user: number | null): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 })
  const draft = `${path}.tmp`
  // Left behind by a run that was ended in the middle; it could not be written again.
  rmSync(draft, { force: true })
  writeFileSync(draft, content, { mode: 0o400 })
  if (user !== null && process.getuid?.() === 0) chownSync(draft, user, user)
  renameSync(draft, path)
}

if (import.meta.main) {
  try {
    for (const line of makeSecrets('/secrets', process.env)) process.stdout.write(`${line}\n`)
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  }
}
