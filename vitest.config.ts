import { defineConfig } from 'vitest/config'

export default defineConfig({
  // Vitest hands these to Node as --conditions, where 'import' or 'module' would give require() the ESM face of packages (is-promise, in Express).
  ssr: { resolve: { conditions: ['@driftline/source'] } },
  test: {
    include: ['{instrumentation,collector,dashboards,simulator,examples,test}/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    pool: 'forks',
    execArgv: ['-C', '@driftline/source'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
})
