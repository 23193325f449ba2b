import { defineConfig } from 'vitest/config'

export default defineConfig({
  // Vitest hands these to Node as --conditions, where 'import' or 'module' would give require() the ESM face of packages (is-promise, in Express).
  ssr: { resolve: { conditions: ['@driftline/source'] } },
  test: {
    include: ['{instrumentation,collector,dashboards,simulator,examples,test}/**/*.test.ts'],
    // Those of other releases have a configuration of their own.
    exclude: ['**/node_modules/**', '**/dist/**', '**/*.versions.test.ts'],
    pool: 'forks',
    execArgv: ['-C', '@driftline/source'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
})
