import { UsageError } from './command.ts'

const milliseconds: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}

/**
 * Milliseconds of a duration such as `500ms`, `30s`, `5m`, `1h`, `1.5d`, `1w`.
 *
 * @throws UsageError that names the option.
 */
export function parseDuration(text: string, option: string): number {
  const parts = /^(\d+(?:\.\d+)?)(ms|[smhdw])$/.exec(text)
  const duration = parts === null ? 0 : Number(parts[1]) * milliseconds[parts[2]!]!
  if (!(duration > 0) || !Number.isFinite(duration)) {
    throw new UsageError(`${option}: expected a duration such as 30s, 5m, 1h or 1d, got ${JSON.stringify(text)}`)
  }
  return duration
}
