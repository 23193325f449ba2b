import { parseDuration } from '../rules/duration.ts'
import { UsageError } from './command.ts'

/**
 * Milliseconds of a duration that an option gives, such as `30s`, `5m` or `1h30m`.
 *
 * @throws UsageError that names the option.
 */
export function durationOption(text: string, option: string): number {
  const milliseconds = parseDuration(text)
  if (milliseconds === null || milliseconds === 0) {
    throw new UsageError(`${option}: expected a duration such as 30s, 5m, 1h or 1d, got ${JSON.stringify(text)}`)
  }
  return milliseconds
}
