import { queryInflux } from '../influx-query.ts'
import type { InfluxServer } from '../influx-server.ts'
import { readableTag } from '../point-schema.ts'
import { derivedPoint, type DerivedPoint } from './derived-point.ts'

export interface Evaluated {
  readonly model: string
  readonly version: string
  /** Name of the collector that asks, or that evaluated. */
  readonly collector: string
}

/** Says who evaluates a model version: nothing else of the derived layer does. */
export function evaluatedByPoint({ model, version, collector }: Evaluated, atMs: number): DerivedPoint {
  return derivedPoint('lineage', atMs, { model, version }, { collector })
}

/**
 * The name of another collector that evaluated the model version since then; null when there is none.
 *
 * @throws InfluxError
 */
export async function otherCollector(
  server: InfluxServer,
  { model, version, collector }: Evaluated,
  sinceMs: number,
): Promise<string | null> {
  // Credentials are sent by what the server is.
  await server.detect()
  let other: string | null = null
  await queryInflux(
    server,
    {
      text: `SELECT last("collector") FROM "results"."ml_lineage" WHERE "model" = $model AND "version" = $version AND "collector" != $collector AND time >= ${Math.floor(sinceMs)}ms`,
      parameters: { model: readableTag(model), version: readableTag(version), collector },
    },
    ({ values }) => {
      const name = values[0]?.[1]
      if (typeof name === 'string') other = name
    },
  )
  return other
}
