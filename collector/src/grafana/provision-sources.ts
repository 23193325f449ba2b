import { expandable } from './expansion-text.ts'
import { dataSourceUid, folderTitle, folderUid } from './panel-links.ts'
import type { DashboardsFile, DatasourcesFile } from './provisioning-format.ts'

export interface DataSourceOptions {
  /** As Grafana reaches InfluxDB. */
  readonly url: string
  readonly database: string
  /** Where Grafana reads the token, which never stands in the file itself. Null: InfluxDB asks for none. */
  readonly token: TokenPlace | null
}

/** An environment variable of Grafana, or a file as Grafana sees it. */
export type TokenPlace = { readonly variable: string } | { readonly file: string }

/**
 * The data source, by InfluxQL, which 1.x, 2.x and 3.x all answer. Its uid is fixed: dashboards and alert rules name it, and a new one
 * with every start would leave them without data.
 */
export function dataSources({ url, database, token }: DataSourceOptions): DatasourcesFile {
  return {
    apiVersion: 1,
    datasources: [
      {
        name: 'Driftline InfluxDB',
        uid: dataSourceUid,
        type: 'influxdb',
        access: 'proxy',
        url,
        isDefault: true,
        jsonData: {
          dbName: expandable(database),
          httpMode: 'POST',
          ...(token === null ? {} : { httpHeaderName1: 'Authorization' }),
        },
        ...(token === null ? {} : { secureJsonData: { httpHeaderValue1: `Token ${expansionOf(token)}` } }),
      },
    ],
  }
}

/** Grafana expands both when it reads the file. */
function expansionOf(token: TokenPlace): string {
  return 'file' in token ? `$__file{${token.file}}` : `$${token.variable}`
}

/** Where Grafana finds the dashboards; `path` is a directory on Grafana's side. */
export function dashboardProvider(path: string): DashboardsFile {
  return {
    apiVersion: 1,
    providers: [
      {
        name: 'driftline',
        orgId: 1,
        folder: folderTitle,
        folderUid,
        type: 'file',
        // They are generated: what is changed by hand would be gone with the next version.
        allowUiUpdates: false,
        options: { path, foldersFromFilesStructure: false },
      },
    ],
  }
}
