import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { loadConfig } from '../config.ts'
import { compileAlertRules } from '../grafana/compile-alert-rules.ts'
import { contactPoints, namedNotifiers, policyTree } from '../grafana/notification-files.ts'
import { dashboardProvider, dataSources } from '../grafana/provision-sources.ts'
import { formerUids, provisioningPaths, provisioningText, writeProvisioning } from '../grafana/write-provisioning.ts'
import { defaultRules } from '../rules/default-rules.ts'
import { loadRuleSet } from '../rules/rule-set.ts'
import { UsageError, type Command } from './command.ts'

export const rulesGrafanaCommand: Command = {
  name: 'rules grafana',
  summary: 'compile alert rules to Grafana provisioning files',
  usage: `Usage: driftline rules grafana [options]

Writes what Grafana reads from its provisioning directory: alert rules that read the collector's results in InfluxDB, the data source,
and where the dashboards are. Rules that a former run wrote and that are no more are listed for deletion.

Options:
  --rules FILE             alert rules (.ts, .js, .json, .yaml); repeatable; default: the built-in rules
  --config FILE            the collector's configuration: its rules, database and webhooks
  --out DIR                Grafana's provisioning directory (default ./grafana/provisioning); - prints the alert rules
  --influx-url URL         InfluxDB as Grafana reaches it (default http://localhost:8086)
  --database NAME          default: that of the configuration, else driftline
  --token-variable NAME    Grafana's environment variable with InfluxDB's token; default: none is asked for
  --token-file PATH        the same, from a file as Grafana sees it
  --dashboards DIR         where Grafana finds the dashboards (default /var/lib/grafana/dashboards/driftline)
  --org-id N               Grafana's organisation (default 1)
  --contact-points         also write the configuration's webhooks as contact points
  --receivers NAME,...     contact points that Grafana has already; a rule that notifies one of these goes straight to it
  --policies               also write a policy tree by severity; it replaces the one that Grafana has
`,
  async run(args, io) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        rules: { type: 'string', multiple: true },
        config: { type: 'string' },
        out: { type: 'string', default: join('grafana', 'provisioning') },
        'influx-url': { type: 'string', default: 'http://localhost:8086' },
        database: { type: 'string' },
        'token-variable': { type: 'string' },
        'token-file': { type: 'string' },
        dashboards: { type: 'string', default: '/var/lib/grafana/dashboards/driftline' },
        'org-id': { type: 'string', default: '1' },
        receivers: { type: 'string', multiple: true, default: [] },
        'contact-points': { type: 'boolean', default: false },
        policies: { type: 'boolean', default: false },
      },
    })
    const orgId = Number(values['org-id'])
    if (!Number.isSafeInteger(orgId) || orgId < 1)
      throw new UsageError(`--org-id: a whole number from 1 is needed, not '${values['org-id']}'`)
    if (!URL.canParse(values['influx-url'])) throw new UsageError(`--influx-url: '${values['influx-url']}' is no URL`)
    const variable = values['token-variable']
    if (variable !== undefined && !/^[A-Za-z_][A-Za-z0-9_]*$/.test(variable))
      throw new UsageError(`--token-variable: '${variable}' is no name of an environment variable`)
    const file = values['token-file']
    // In braces and expanded by Grafana: neither may stand in the path.
    if (file !== undefined && !/^\/[^{}$]+$/.test(file))
      throw new UsageError(`--token-file: an absolute path without { } and $ is needed, not '${file}'`)
    if (file !== undefined && variable !== undefined)
      throw new UsageError('--token-file: give it or --token-variable, not both')

    const config =
      values.config === undefined ? null : await loadConfig({ config: values.config }, io.environment, io.directory)
    const paths = values.rules?.map((path) => resolve(io.directory, path)) ?? config?.rules ?? []
    const { files } = await loadRuleSet(paths)
    const compiled = files.some(({ model }) => model === '*') ? files : [...files, defaultRules]
    const webhooks = config?.notifiers ?? []
    const receivers = [
      ...values.receivers.flatMap((list) => list.split(',').map((name) => name.trim())),
      ...(values['contact-points'] ? webhooks.map(({ name }) => name) : []),
    ].filter((name) => name !== '')
    const elsewhere = namedNotifiers(compiled).filter((name) => !receivers.includes(name))
    const remark =
      elsewhere.length === 0
        ? ''
        : `no contact points of Grafana, as far as is known: ${elsewhere.join(', ')}; alerts of rules that name them go by Grafana's policies (--contact-points, --receivers)\n`
    if (values.out === '-') {
      io.stdout(provisioningText(compileAlertRules(compiled, { orgId, receivers })))
      io.stderr(remark)
      return 0
    }
    const directory = resolve(io.directory, values.out)
    const write = async (path: string, content: object) =>
      io.stdout(`wrote ${await writeProvisioning(directory, path, content)}\n`)
    const alerting = compileAlertRules(compiled, { orgId, receivers, formerUids: await formerUids(directory) })
    await write(provisioningPaths.rules, alerting)
    await write(
      provisioningPaths.dataSources,
      dataSources({
        url: values['influx-url'],
        database: values.database ?? config?.influx?.database ?? 'driftline',
        token: file !== undefined ? { file } : variable !== undefined ? { variable } : null,
      }),
    )
    await write(provisioningPaths.dashboards, dashboardProvider(values.dashboards))
    if (values['contact-points']) await write(provisioningPaths.contactPoints, contactPoints(webhooks, orgId))
    if (values.policies) await write(provisioningPaths.policies, policyTree(compiled, orgId, receivers))
    io.stdout(remark)
    const count = alerting.groups!.reduce((sum, { rules }) => sum + rules.length, 0)
    const gone = alerting.deleteRules?.length ?? 0
    io.stdout(`${count} alert rules${gone === 0 ? '' : `, ${gone} to delete`}; Grafana reads them when it starts\n`)
    return 0
  },
}
