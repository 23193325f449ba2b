/**
 * The shapes that Grafana reads from its provisioning directory, as far as Driftline writes them. They are those of the files, which
 * differ from those of Grafana's HTTP interface: `folder` is a title, `interval` a text, and a group carries `orgId`.
 *
 * @see Grafana `pkg/services/provisioning/alerting/rules_types.go` and "Provision Grafana", 13.x.
 */
export interface AlertingFile {
  readonly apiVersion: 1
  readonly groups?: readonly RuleGroup[]
  readonly deleteRules?: readonly { readonly orgId: number; readonly uid: string }[]
  readonly contactPoints?: readonly ContactPoint[]
  readonly policies?: readonly PolicyTree[]
}

export interface RuleGroup {
  readonly orgId: number
  readonly name: string
  /** Title of the folder, not its uid. */
  readonly folder: string
  readonly interval: string
  readonly rules: readonly GrafanaRule[]
}

export interface GrafanaRule {
  readonly uid: string
  readonly title: string
  /** The refId of the query that decides. */
  readonly condition: string
  readonly data: readonly RuleQuery[]
  readonly for: string
  readonly keepFiringFor?: string
  readonly noDataState: 'NoData' | 'Alerting' | 'OK' | 'KeepLast'
  readonly execErrState: 'Alerting' | 'Error' | 'OK' | 'KeepLast'
  readonly isPaused?: boolean
  readonly dashboardUid?: string
  readonly panelId?: number
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly notification_settings?: { readonly receiver: string; readonly group_by?: readonly string[] }
}

export interface RuleQuery {
  readonly refId: string
  /** Seconds before now. */
  readonly relativeTimeRange: { readonly from: number; readonly to: number }
  readonly datasourceUid: string
  readonly model: InfluxqlModel | ReduceModel | ThresholdModel
}

export interface InfluxqlModel {
  readonly refId: string
  readonly rawQuery: true
  readonly query: string
  readonly resultFormat: 'time_series'
  readonly intervalMs: number
  readonly maxDataPoints: number
}

export interface ReduceModel {
  readonly refId: string
  readonly type: 'reduce'
  readonly expression: string
  readonly reducer: 'last' | 'max'
  readonly settings: { readonly mode: 'dropNN' }
}

export interface ThresholdModel {
  readonly refId: string
  readonly type: 'threshold'
  readonly expression: string
  readonly conditions: readonly {
    readonly evaluator: { readonly type: 'gt' | 'lt'; readonly params: readonly [number] }
  }[]
}

export interface ContactPoint {
  readonly orgId: number
  readonly name: string
  readonly receivers: readonly {
    readonly uid: string
    readonly type: 'webhook'
    readonly settings: Readonly<Record<string, string>>
  }[]
}

export interface PolicyTree {
  readonly orgId: number
  readonly receiver: string
  readonly group_by: readonly string[]
  readonly group_wait: string
  readonly group_interval: string
  readonly repeat_interval: string
  readonly routes: readonly PolicyRoute[]
}

export interface PolicyRoute {
  readonly receiver: string
  readonly object_matchers: readonly (readonly [string, string, string])[]
  readonly continue?: boolean
  readonly group_wait?: string
  readonly repeat_interval?: string
}

export interface DatasourcesFile {
  readonly apiVersion: 1
  readonly datasources: readonly {
    readonly name: string
    readonly uid: string
    readonly type: 'influxdb'
    readonly access: 'proxy'
    readonly url: string
    readonly isDefault: boolean
    readonly jsonData: Readonly<Record<string, string>>
    readonly secureJsonData?: Readonly<Record<string, string>>
  }[]
}

export interface DashboardsFile {
  readonly apiVersion: 1
  readonly providers: readonly {
    readonly name: string
    readonly orgId: number
    readonly folder: string
    readonly folderUid: string
    readonly type: 'file'
    readonly allowUiUpdates: boolean
    readonly options: { readonly path: string; readonly foldersFromFilesStructure: boolean }
  }[]
}
