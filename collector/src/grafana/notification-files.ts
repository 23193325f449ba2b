import { digestBytes } from '@driftline/instrumentation/contract'
import type { LoadedRules } from '../rules/loaded.ts'
import { expandable } from './expansion-text.ts'
import type { AlertingFile, ContactPoint } from './provisioning-format.ts'

/** A webhook of the collector's configuration, which Grafana can tell too. */
export interface Webhook {
  readonly name: string
  readonly url: string
  /** Environment variable of Grafana with a bearer token. */
  readonly tokenVariable?: string | undefined
}

/** Where alerts without a receiver of their own go in the policy tree. */
const fallbackReceiver = 'grafana-default-email'

/**
 * Contact points for the notifiers that rules name. Opt-in: Grafana's own are usually there already, and a contact point that is in use cannot be
 * taken away again by a file.
 */
export function contactPoints(webhooks: readonly Webhook[], orgId: number): AlertingFile {
  return {
    apiVersion: 1,
    contactPoints: webhooks.map(({ name, url, tokenVariable }): ContactPoint => ({
      orgId,
      name: expandable(name),
      receivers: [
        {
          uid: `driftline-${digestBytes(name).slice('sha256:'.length, 'sha256:'.length + 24)}`,
          type: 'webhook',
          settings: {
            url: expandable(url),
            httpMethod: 'POST',
            ...(tokenVariable === undefined
              ? {}
              : { authorization_scheme: 'Bearer', authorization_credentials: `$${tokenVariable}` }),
          },
        },
      ],
    })),
  }
}

/**
 * A policy tree by severity. Opt-in, because Grafana has one tree per organisation, and a file replaces it whole: with it, policies made by
 * hand are gone. Rules with one receiver are routed by their own settings and need no tree.
 *
 * @param receivers - contact points that Grafana has; Grafana refuses a tree that names another.
 */
export function policyTree(files: readonly LoadedRules[], orgId: number, receivers: readonly string[]): AlertingFile {
  const named = namedNotifiers(files)
    .filter((name) => receivers.includes(name))
    .map(expandable)
  const receiver = named[0] ?? fallbackReceiver
  const others = named.slice(1)
  return {
    apiVersion: 1,
    policies: [
      {
        orgId,
        receiver,
        group_by: ['grafana_folder', 'alertname', 'model', 'version'],
        group_wait: '30s',
        group_interval: '5m',
        repeat_interval: '4h',
        routes: [
          ...others.map((name) => ({
            receiver: name,
            object_matchers: [
              ['source', '=', 'driftline'],
              ['severity', '=', 'critical'],
            ] as const,
            continue: true,
            group_wait: '0s',
            repeat_interval: '1h',
          })),
          { receiver, object_matchers: [['source', '=', 'driftline']] as const },
        ],
      },
    ],
  }
}

/** The notifiers that rules name, each once. */
export function namedNotifiers(files: readonly LoadedRules[]): string[] {
  return [...new Set(files.flatMap(({ rules }) => rules.flatMap(({ notify }) => notify ?? [])))].sort()
}
