import { escape } from '@influxdata/influxdb-client'
import { derivedSchema, type DerivedId } from '../derived-schema.ts'
import { readableTag } from '../point-schema.ts'

type Fields<Id extends DerivedId> = keyof (typeof derivedSchema)[Id]['fields']
type Tags<Id extends DerivedId> = keyof (typeof derivedSchema)[Id]['tags']

/** One point of the derived layer. Fields that are null or not finite are left out. */
export interface DerivedPoint<Id extends DerivedId = DerivedId> {
  readonly id: Id
  readonly atMs: number
  readonly tags: Readonly<Record<Tags<Id>, string>>
  readonly fields: Readonly<Partial<Record<Fields<Id>, number | string | null>>>
}

/** A point whose tags and fields are those of its measurement. */
export function derivedPoint<Id extends DerivedId>(
  id: Id,
  atMs: number,
  tags: Readonly<Record<Tags<Id>, string>>,
  fields: Readonly<Partial<Record<Fields<Id>, number | string | null>>>,
): DerivedPoint {
  return { id, atMs, tags, fields }
}

/** InfluxDB 1.x takes 64 KiB for a text; what is longer is cut, since it is for people. */
const textLength = 8000

/** InfluxDB has no empty tags: without one, a point would belong to a series that no variable of a dashboard lists. */
const emptyTag = '(empty)'

/** A name as it stands in the tags of the derived layer: cut, without control characters, and never empty. */
export function derivedTag(name: string): string {
  return readableTag(name) || emptyTag
}

/** Line protocol; null for a point without fields, which InfluxDB does not take. */
export function derivedLine({ id, atMs, tags, fields }: DerivedPoint): string | null {
  const { measurement } = derivedSchema[id]
  let line = measurement as string
  for (const [name, value] of Object.entries<string>(tags).sort(([a], [b]) => (a < b ? -1 : 1))) {
    line += `,${escape.tag(name)}=${escape.tag(derivedTag(value))}`
  }
  const written: string[] = []
  for (const [name, value] of Object.entries<number | string | null | undefined>(fields)) {
    if (typeof value === 'number' && Number.isFinite(value)) written.push(`${name}=${value}`)
    else if (typeof value === 'string' && value !== '')
      written.push(`${name}=${escape.quoted(value.toWellFormed().slice(0, textLength))}`)
  }
  return written.length === 0 ? null : `${line} ${written.join(',')} ${Math.round(atMs)}000000`
}

/** Lines of all points that say something. */
export function derivedLines(points: readonly DerivedPoint[]): string[] {
  return points.map(derivedLine).filter((line) => line !== null)
}
