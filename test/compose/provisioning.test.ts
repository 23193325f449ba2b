import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { rulesGrafanaCommand } from '../../collector/src/cli/rules-grafana.ts'
import type { AlertingFile } from '../../collector/src/grafana/provisioning-format.ts'
import { memoryIo } from '../../collector/test/cli/memory-io.ts'
import { alertingFile } from '../../collector/test/grafana/provisioning-schema.ts'
import { filesBelow } from './stack.ts'

const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')
const folder = 'dashboards/grafana/provisioning'

describe('dashboards/grafana/provisioning', () => {
  let directory: string
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'driftline-provisioning-'))
  })
  afterAll(() => rmSync(directory, { recursive: true }))

  it('is what npm run provisioning writes', async () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>
    }
    const [command, words = ''] = scripts['provisioning']!.split(' -- rules grafana ')
    expect(command).toBe('npm run driftline')
    const args = words.split(' ')
    expect(args.slice(-2)).toEqual(['--out', folder])
    const io = memoryIo(root)
    expect(await rulesGrafanaCommand.run([...args.slice(0, -1), directory], io)).toBe(0)
    const committed = filesBelow(root, folder).map((path) => path.slice(folder.length + 1))
    expect(
      filesBelow(directory, '.')
        .map((path) => path.replace(/^\.\//, ''))
        .toSorted(),
    ).toEqual(committed.toSorted())
    for (const path of committed) {
      const { deleteRules: _gone, ...written } = parse(readFileSync(join(root, folder, path), 'utf8')) as AlertingFile
      expect(written, `${path}: run npm run provisioning`).toEqual(parse(readFileSync(join(directory, path), 'utf8')))
    }
  })

  it('has alert rules that Grafana takes, with links to panels that there are', () => {
    const rules = parse(readFileSync(join(root, folder, 'alerting/driftline-rules.yaml'), 'utf8')) as AlertingFile
    expect(alertingFile.safeParse(rules).error?.issues ?? []).toEqual([])
    const panels = new Map(
      filesBelow(root, 'dashboards/grafana/dashboards').map((path) => {
        const text = readFileSync(join(root, path), 'utf8')
        const { uid } = JSON.parse(text) as { uid: string }
        return [uid, text]
      }),
    )
    const linked = rules
      .groups!.flatMap((group) => group.rules)
      .filter(({ dashboardUid }) => dashboardUid !== undefined)
    expect(linked.length).toBeGreaterThan(0)
    for (const { title, dashboardUid, panelId } of linked)
      expect(panels.get(dashboardUid!) ?? '', title).toMatch(new RegExp(`"id": ?${panelId}\\b`))
  })
})
