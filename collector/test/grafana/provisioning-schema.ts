import * as zod from 'zod'

/** What Grafana 13 takes from its provisioning files, strictly: written from its documentation and `rules_types.go`, not from our own types. */
const duration = zod.string().regex(/^(?:\d+(?:ms|s|m|h|d|w))+$/)
const uid = zod.string().regex(/^[a-zA-Z0-9_-]{1,40}$/)
const labelName = zod.string().regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/)
/** Most texts: `$` is expanded from the environment; two stand for one. */
const escaped = zod
  .string()
  .min(1)
  .refine((text) => /^(?:[^$]|\$\$)*$/.test(text), 'a single $ is expanded from the environment')
/** Of a rule or a group; Grafana counts bytes, after expansion. */
const title = escaped.refine((text) => Buffer.byteLength(text.replaceAll('$$', '$')) <= 190, 'more than 190 bytes')
/** In annotations only `${...}` and `$__file{...}` are expanded; the rest is a template. */
const annotation = zod
  .string()
  .refine((text) => !/\$(?:__\w+)?\{/.test(text), '${...} is expanded from the environment')
  .refine((text) => !text.replaceAll(/\{\{[^{}]*\}\}/g, '').includes('{{'), 'no template')

const relativeTimeRange = zod
  .strictObject({ from: zod.int().min(1), to: zod.int().min(0) })
  .refine(({ from, to }) => from > to)
const refId = zod.string().regex(/^[A-Z][A-Za-z0-9]*$/)

const influxModel = zod.strictObject({
  refId,
  rawQuery: zod.literal(true),
  query: zod
    .string()
    .includes('$timeFilter')
    .refine((query) => /GROUP BY time\(\d+[smhd]\)/.test(query), 'a literal interval is needed')
    .refine((query) => !/\$(?!timeFilter\b)/.test(query), 'rules know no template variables'),
  resultFormat: zod.literal('time_series'),
  intervalMs: zod.int().min(1),
  maxDataPoints: zod.int().min(1),
})
const reduceModel = zod.strictObject({
  refId,
  type: zod.literal('reduce'),
  expression: refId,
  reducer: zod.enum(['last', 'mean', 'max', 'min', 'sum', 'count']),
  settings: zod.strictObject({ mode: zod.enum(['', 'dropNN', 'replaceNN']) }),
})
const thresholdModel = zod.strictObject({
  refId,
  type: zod.literal('threshold'),
  expression: refId,
  conditions: zod
    .array(
      zod.strictObject({
        evaluator: zod.strictObject({ type: zod.enum(['gt', 'lt']), params: zod.tuple([zod.number()]) }),
      }),
    )
    .length(1),
})
const query = zod.union([
  zod.strictObject({ refId, relativeTimeRange, datasourceUid: zod.literal('driftline-influxdb'), model: influxModel }),
  zod.strictObject({
    refId,
    relativeTimeRange,
    datasourceUid: zod.literal('__expr__'),
    model: zod.union([reduceModel, thresholdModel]),
  }),
])

const rule = zod
  .strictObject({
    uid,
    title,
    condition: refId,
    data: zod.array(query).min(1),
    for: duration,
    keepFiringFor: duration.optional(),
    noDataState: zod.enum(['NoData', 'Alerting', 'OK', 'KeepLast']),
    execErrState: zod.enum(['Alerting', 'Error', 'OK', 'KeepLast']),
    isPaused: zod.boolean().optional(),
    dashboardUid: uid.optional(),
    panelId: zod.int().min(1).optional(),
    labels: zod.record(labelName, escaped),
    annotations: zod.record(labelName, annotation),
    notification_settings: zod.strictObject({ receiver: escaped, group_by: zod.array(escaped).optional() }).optional(),
  })
  .refine(({ data, condition }) => data.some((one) => one.refId === condition), 'the condition is no query')
  .refine(({ data }) => data.every((one) => one.refId === one.model.refId), 'refIds differ')
  .refine(({ data }) => new Set(data.map((one) => one.refId)).size === data.length, 'a refId stands twice')
  .refine(
    ({ data }) =>
      data.every(({ model }) => !('expression' in model) || data.some((one) => one.refId === model.expression)),
    'an expression reads a query that is not there',
  )
  .refine(({ dashboardUid, panelId }) => (dashboardUid === undefined) === (panelId === undefined), 'both or none')

/** A file of `provisioning/alerting/`. */
export const alertingFile = zod
  .strictObject({
    apiVersion: zod.literal(1),
    groups: zod
      .array(
        zod.strictObject({
          orgId: zod.int().min(1),
          name: title,
          folder: escaped,
          interval: duration.refine((text) => {
            const [, count, unit] = /^(\d+)([smhd])$/.exec(text) ?? []
            return (Number(count) * { s: 1, m: 60, h: 3600, d: 86_400 }[unit as 's']) % 10 === 0
          }, 'must be a multiple of 10 s'),
          rules: zod.array(rule).min(1),
        }),
      )
      .optional(),
    deleteRules: zod.array(zod.strictObject({ orgId: zod.int().min(1), uid })).optional(),
    contactPoints: zod
      .array(
        zod.strictObject({
          orgId: zod.int().min(1),
          name: escaped,
          receivers: zod
            .array(
              zod.strictObject({
                uid,
                type: zod.literal('webhook'),
                settings: zod.strictObject({
                  url: escaped,
                  httpMethod: zod.literal('POST'),
                  authorization_scheme: zod.literal('Bearer').optional(),
                  authorization_credentials: zod
                    .string()
                    .regex(/^\$[A-Za-z_][A-Za-z0-9_]*$/)
                    .optional(),
                }),
              }),
            )
            .min(1),
        }),
      )
      .optional(),
    policies: zod
      .array(
        zod.strictObject({
          orgId: zod.int().min(1),
          receiver: escaped,
          group_by: zod.array(zod.string()),
          group_wait: duration,
          group_interval: duration,
          repeat_interval: duration,
          routes: zod.array(
            zod.strictObject({
              receiver: escaped,
              object_matchers: zod.array(zod.tuple([zod.string(), zod.enum(['=', '!=', '=~', '!~']), zod.string()])),
              continue: zod.boolean().optional(),
              group_wait: duration.optional(),
              repeat_interval: duration.optional(),
            }),
          ),
        }),
      )
      .optional(),
  })
  .refine(({ groups = [] }) => {
    const uids = groups.flatMap(({ rules }) => rules.map((one) => one.uid))
    return new Set(uids).size === uids.length
  }, 'a uid stands twice')
  .refine(({ groups = [] }) => {
    const titles = groups.flatMap(({ orgId, folder, rules }) =>
      rules.map((one) => JSON.stringify([orgId, folder, one.title.toLowerCase()])),
    )
    return new Set(titles).size === titles.length
  }, 'a title stands twice in a folder')
  .refine(({ groups = [] }) => {
    const names = groups.map(({ orgId, folder, name }) => JSON.stringify([orgId, folder, name.toLowerCase()]))
    return new Set(names).size === names.length
  }, 'a name of a group stands twice in a folder')

/** A file of `provisioning/datasources/`. */
export const datasourcesFile = zod.strictObject({
  apiVersion: zod.literal(1),
  datasources: zod
    .array(
      zod.strictObject({
        name: zod.string().min(1),
        uid,
        type: zod.literal('influxdb'),
        access: zod.literal('proxy'),
        url: zod.url(),
        isDefault: zod.boolean(),
        jsonData: zod.strictObject({
          dbName: escaped,
          httpMode: zod.literal('POST'),
          httpHeaderName1: zod.literal('Authorization').optional(),
        }),
        secureJsonData: zod.strictObject({ httpHeaderValue1: zod.string().startsWith('Token $') }).optional(),
      }),
    )
    .min(1),
})

/** A file of `provisioning/dashboards/`. */
export const dashboardsFile = zod.strictObject({
  apiVersion: zod.literal(1),
  providers: zod
    .array(
      zod.strictObject({
        name: zod.string().min(1),
        orgId: zod.int().min(1),
        folder: zod.string(),
        folderUid: uid,
        type: zod.literal('file'),
        allowUiUpdates: zod.boolean(),
        options: zod.strictObject({ path: zod.string().startsWith('/'), foldersFromFilesStructure: zod.boolean() }),
      }),
    )
    .min(1),
})
