# Targets: `collector` (the default) and `example`, the employment server with its traffic.
#   docker build -t driftline-collector .
#   docker build -t driftline-example --target example .
ARG NODE_IMAGE=node:24.21.0-bookworm-slim

FROM ${NODE_IMAGE} AS manifests
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# npm reads every workspace of the lock file, also those that are not installed.
COPY instrumentation/package.json instrumentation/
COPY collector/package.json collector/
COPY collector/bin collector/bin
COPY dashboards/package.json dashboards/
COPY simulator/package.json simulator/
COPY simulator/bin simulator/bin
COPY examples/employment/package.json examples/employment/
COPY examples/sentiment/package.json examples/sentiment/
COPY test/sdk2/package.json test/sdk2/

FROM manifests AS build
# Versions are those of the lock file. `npm ci` would refuse it, as it does not list the optional binaries of every platform.
# Without scripts: they would build before the sources are here, and bring a second Node.
RUN npm install --ignore-scripts
COPY tsconfig.base.json tsconfig.build.json ./
COPY instrumentation/tsconfig.json instrumentation/
COPY instrumentation/src instrumentation/src
COPY collector/tsconfig.json collector/
COPY collector/src collector/src
COPY simulator/tsconfig.json simulator/
COPY simulator/src simulator/src
RUN node node_modules/typescript/bin/tsc -b tsconfig.build.json

# What is run, without the tools and the other workspaces.
FROM manifests AS collector-modules
RUN npm pkg set 'workspaces=["instrumentation","collector"]' --json \
  && npm pkg delete devDependencies scripts \
  && npm install --ignore-scripts --omit=dev --omit=peer \
  && rm -rf dashboards simulator examples test

FROM manifests AS example-modules
RUN npm pkg set 'workspaces=["instrumentation","collector","simulator","examples/employment"]' --json \
  && npm pkg delete devDependencies scripts \
  && npm install --ignore-scripts --omit=dev \
  && rm -rf dashboards examples/sentiment test

FROM ${NODE_IMAGE} AS runtime
ENV NODE_ENV=production
WORKDIR /app

FROM runtime AS example
COPY --from=example-modules /app ./
COPY --from=build /app/instrumentation/dist instrumentation/dist
COPY --from=build /app/collector/dist collector/dist
COPY --from=build /app/simulator/dist simulator/dist
COPY examples/employment/*.ts examples/employment/manifest.json examples/employment/baseline.json examples/employment/model.onnx examples/employment/
COPY examples/employment/data examples/employment/data
USER node
ENV HOST=0.0.0.0
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:3000/healthz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "/app/examples/employment/server.ts"]

FROM runtime AS collector
COPY --from=collector-modules /app ./
COPY --from=build /app/instrumentation/dist instrumentation/dist
COPY --from=build /app/collector/dist collector/dist
COPY docker/make-secrets.ts docker/
# A volume takes its owner from here.
RUN mkdir /var/lib/driftline && chown node:node /var/lib/driftline
USER node
ENV DRIFTLINE_DATA_DIR=/var/lib/driftline DRIFTLINE_HOST=0.0.0.0
VOLUME /var/lib/driftline
EXPOSE 4318
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:4318/healthz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/collector/bin/driftline.js"]
CMD ["collector"]
