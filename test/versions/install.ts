import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

// Installs the folders beside this file, which are no workspaces: their versions contradict those of the repository.
// What is installed already for the same lock file is left as it is.

for (const folder of ['nodes', 'oldest']) {
  const directory = fileURLToPath(new URL(folder, import.meta.url))
  const stamp = `${directory}/node_modules/.driftline-lock`
  const lock = createHash('sha256')
    .update(readFileSync(`${directory}/package-lock.json`))
    .digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) continue
  const { status, error } = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: directory, stdio: 'inherit' })
  if (status !== 0) {
    process.stderr.write(
      `test/versions/${folder} could not be installed${error === undefined ? '' : `: ${error.message}`}\n`,
    )
    process.exit(1)
  }
  writeFileSync(stamp, lock)
}
