import { defineConfig } from 'vitest/config'

/** Tests against other releases of Node and of libraries, which `npm run test:versions` installs first. */
export default defineConfig({
  ssr: { resolve: { conditions: ['@driftline/source'] } },
  test: {
    include: ['test/versions/**/*.versions.test.ts'],
    exclude: ['**/node_modules/**'],
    pool: 'forks',
    execArgv: ['-C', '@driftline/source'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
