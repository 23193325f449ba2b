import { InfluxError, type InfluxServer } from './influx-server.ts'
import { queryInflux, type QuerySeries } from './influx-query.ts'
import { retentionPolicies, type InfluxSettings, type RetentionPolicy } from './influx-settings.ts'

/** One thing that was looked at. */
export interface PreparedPart {
  /** For instance `retention policy driftline.raw`. */
  readonly name: string
  /** For instance `14 days`, or `forever`. */
  readonly keeps: string
  readonly done: 'made' | 'changed' | 'was there'
}

const secondsPerDay = 86_400
/** Shards of 1.x and 2.x are dropped whole: a fourteenth of the time is left over at most, and queries touch few. */
const shardDays: Readonly<Record<RetentionPolicy, number>> = { raw: 1, windows: 7, results: 7 }

/**
 * Makes what data is written to, where it is missing, and sets how long it is kept: a database with three retention policies on 1.x,
 * three buckets on 2.x, three databases on 3.x. Doing it again changes nothing.
 *
 * @throws InfluxError; `credentials` when the server does not let us.
 */
export async function initInflux(server: InfluxServer): Promise<PreparedPart[]> {
  const { major } = await server.detect()
  if (major === 1) return initVersion1(server)
  return major === 2 ? initVersion2(server) : initVersion3(server)
}

function wantedParts({
  keepRawDays,
  keepWindowsDays,
  keepResultsDays,
}: InfluxSettings): { readonly policy: RetentionPolicy; readonly days: number | null }[] {
  return [
    { policy: 'raw', days: keepRawDays },
    { policy: 'windows', days: keepWindowsDays },
    { policy: 'results', days: keepResultsDays },
  ]
}

function inWords(days: number | null): string {
  if (days === null) return 'forever'
  return days === 1 ? '1 day' : `${days} days`
}

/** InfluxQL has no parameters for names. */
function quoted(name: string): string {
  return `"${name.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`
}

async function initVersion1(server: InfluxServer): Promise<PreparedPart[]> {
  const { database } = server.settings
  const rows = async (text: string): Promise<QuerySeries['values']> => {
    const found: QuerySeries['values'][number][] = []
    await queryInflux(server, { text }, (series) => found.push(...series.values))
    return found
  }
  const databases = await rows('SHOW DATABASES')
  const isNew = !databases.some(([name]) => name === database)
  if (isNew) await rows(`CREATE DATABASE ${quoted(database)}`)
  const present = new Map(
    (await rows(`SHOW RETENTION POLICIES ON ${quoted(database)}`)).map(([name, duration]) => [name, String(duration)]),
  )
  const parts: PreparedPart[] = []
  for (const { policy, days } of wantedParts(server.settings)) {
    const name = retentionPolicies[policy]
    const duration = days === null ? 'INF' : `${days * 24}h`
    const isAs = present.get(name)
    const target = `RETENTION POLICY ${quoted(name)} ON ${quoted(database)} DURATION ${duration}`
    const shard = `SHARD DURATION ${Math.max(1, Math.min(shardDays[policy], days ?? Infinity)) * 24}h`
    let done: PreparedPart['done'] = 'was there'
    if (isAs === undefined) {
      await rows(`CREATE ${target} REPLICATION 1 ${shard}`)
      done = 'made'
    } else if (hoursOf(isAs) !== (days ?? 0) * 24) {
      await rows(`ALTER ${target} ${shard}`)
      done = 'changed'
    }
    parts.push({ name: `retention policy ${database}.${name}`, keeps: inWords(days), done })
  }
  return parts
}

/** 1.x writes a duration as `336h0m0s`, and 0s for ever. */
function hoursOf(duration: string): number {
  const parts = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(duration)
  return parts === null ? Number.NaN : Number(parts[1] ?? 0) + Number(parts[2] ?? 0) / 60 + Number(parts[3] ?? 0) / 3600
}

async function initVersion2(server: InfluxServer): Promise<PreparedPart[]> {
  const { org, database } = server.settings
  if (org === null) {
    throw new InfluxError(
      'refused',
      'InfluxDB 2.x needs the name of the organisation to make buckets: set DRIFTLINE_INFLUX_ORG',
    )
  }
  const { orgs = [] } = await json<{ orgs?: { id: string }[] }>(
    server,
    'GET',
    `/api/v2/orgs?${new URLSearchParams({ org }).toString()}`,
  )
  const orgID = orgs[0]?.id
  if (orgID === undefined) throw new InfluxError('missing', `InfluxDB has no organisation ${org}`)
  const parts: PreparedPart[] = []
  for (const { policy, days } of wantedParts(server.settings)) {
    const name = `${database}/${retentionPolicies[policy]}`
    const { buckets = [] } = await json<{
      buckets?: { id: string; name: string; retentionRules?: { everySeconds?: number }[] }[]
    }>(
      server,
      'GET',
      `/api/v2/buckets?${new URLSearchParams({ name, orgID }).toString()}`,
      undefined,
      // Some 2.x answer 404 for a name that there is not.
      (status) => (status === 404 ? {} : null),
    )
    const found = buckets.find((bucket) => bucket.name === name)
    const everySeconds = (days ?? 0) * secondsPerDay
    const rule = {
      type: 'expire',
      everySeconds,
      shardGroupDurationSeconds: Math.max(1, Math.min(shardDays[policy], days ?? Infinity)) * secondsPerDay,
    }
    let done: PreparedPart['done'] = 'was there'
    if (found === undefined) {
      await json(server, 'POST', '/api/v2/buckets', { orgID, name, retentionRules: [rule] })
      done = 'made'
    } else if ((found.retentionRules?.[0]?.everySeconds ?? 0) !== everySeconds) {
      await json(server, 'PATCH', `/api/v2/buckets/${found.id}`, { retentionRules: [rule] })
      done = 'changed'
    }
    parts.push({ name: `bucket ${name}`, keeps: inWords(days), done })
  }
  return parts
}

async function initVersion3(server: InfluxServer): Promise<PreparedPart[]> {
  const { database } = server.settings
  const listed = await json<Record<string, unknown>[]>(server, 'GET', '/api/v3/configure/database?format=json')
  const names = new Set(Array.isArray(listed) ? listed.map((row) => row['iox::database'] ?? row['name']) : [])
  const parts: PreparedPart[] = []
  for (const { policy, days } of wantedParts(server.settings)) {
    const name = `${database}/${retentionPolicies[policy]}`
    let done: PreparedPart['done'] = 'was there'
    if (!names.has(name)) {
      const body = { db: name, ...(days === null ? {} : { retention_period: `${days}d` }) }
      await json(server, 'POST', '/api/v3/configure/database', body, (status) => {
        // Made meanwhile, by another collector or by a write.
        if (status !== 409) return null
        return {}
      })
      done = 'made'
    }
    parts.push({ name: `database ${name}`, keeps: inWords(days), done })
  }
  return parts
}

/** @param accept - gives the answer that stands for a status other than success; null when it is an error. */
async function json<T>(
  server: InfluxServer,
  method: 'GET' | 'POST' | 'PATCH',
  path: string,
  body?: unknown,
  accept: (status: number) => T | null = () => null,
): Promise<T> {
  const request = {
    method,
    path,
    ...(body === undefined ? {} : { body: JSON.stringify(body), contentType: 'application/json' }),
  }
  return server.request(request, async (answer) => {
    const text = await answer.text()
    if (!answer.ok) {
      const accepted = accept(answer.status)
      if (accepted !== null) return accepted
      throw server.errorOf(answer.status, text)
    }
    try {
      return (text === '' ? {} : JSON.parse(text)) as T
    } catch {
      throw new InfluxError('refused', `InfluxDB answered ${method} ${path} with something that is no JSON`)
    }
  })
}
