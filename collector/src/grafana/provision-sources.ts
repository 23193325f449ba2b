import { dataSourceUid, folderTitle, folderUid } from './panel-links.ts'
import type { DashboardsFile, DatasourcesFile } from './provisioning-format.ts'

export interface DataSourceOptions {
  /** As Grafana reaches InfluxDB. */
  readonly url: string
  readonly database: string
  /** Environment variable of Grafana that holds the token; the token itself never stands in a file. Null: InfluxDB asks for none. */
  readonly tokenVariable: string | null
}

/**
 * The data source, by InfluxQL, which 1.x, 2.x and 3.x all answer. Its uid is fixed: dashboards and alert rules name it, and a new one
 * with every start would leave them without data.
 */
export function dataSources({ url, database, tokenVariable }: DataSourceOptions): DatasourcesFile {
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
          dbName: database,
          httpMode: 'POST',
          ...(tokenVariable === null ? {} : { httpHeaderName1: 'Authorization' }),
        },
        ...(tokenVariable === null ? {} : { secureJsonData: { httpHeaderValue1: `Token $${tokenVariable}` } }),
      },
    ],
  }
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
