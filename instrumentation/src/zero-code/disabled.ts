/** Whether the environment says that nothing at all is to happen: OpenTelemetry's own switch, or ours. */
export function isDisabled(environment: Readonly<Record<string, string | undefined>>): boolean {
  return [environment.OTEL_SDK_DISABLED, environment.DRIFTLINE_DISABLED].some(
    (value) => value?.trim().toLowerCase() === 'true',
  )
}
