# One file for every service: ARG APP names its folder under apps/.
FROM node:24-bookworm-slim AS packages
WORKDIR /zeroplane
COPY package.json package-lock.json ./
COPY libs/link/package.json libs/link/
COPY libs/introspect/package.json libs/introspect/
COPY libs/rpc/package.json libs/rpc/
COPY libs/patterns/package.json libs/patterns/
COPY libs/tracing/package.json libs/tracing/
COPY libs/runtime/package.json libs/runtime/
COPY apps/deploy-api/package.json apps/deploy-api/
COPY apps/builder/package.json apps/builder/
COPY apps/runner/package.json apps/runner/
COPY apps/router/package.json apps/router/
COPY apps/log-hub/package.json apps/log-hub/
COPY apps/trace-collector/package.json apps/trace-collector/
COPY apps/console/package.json apps/console/
COPY apps/cli/package.json apps/cli/
ARG APP
RUN --mount=type=cache,target=/root/.npm \
    npm ci --omit=dev --ignore-scripts --no-audit --no-fund -w apps/${APP}

# The console's trace pages are built once, with tools that the service does not need.
FROM packages AS pages
ARG APP
COPY tsconfig.base.json ./
COPY libs libs
COPY apps/${APP} apps/${APP}
RUN --mount=type=cache,target=/root/.npm \
    mkdir -p apps/${APP}/dist/pages; \
    if [ "$APP" = console ]; then \
      npm ci --ignore-scripts --no-audit --no-fund -w apps/console && npm run build -w apps/console; \
    fi

FROM node:24-bookworm-slim AS service
ARG APP
# Builders and runners build and run Node and Python apps.
RUN if [ "$APP" = builder ] || [ "$APP" = runner ]; then \
      apt-get update && apt-get install -y --no-install-recommends python3 \
      && rm -rf /var/lib/apt/lists/*; \
    fi
WORKDIR /zeroplane
ENV NODE_ENV=production APP=${APP} ZP_DATA=/data ZP_KEYS=/keys
RUN mkdir /data /keys && chown node:node /data /keys
COPY --from=packages /zeroplane /zeroplane
COPY libs libs
COPY apps/${APP} apps/${APP}
COPY --from=pages /zeroplane/apps/${APP}/dist/pages apps/${APP}/dist/pages
USER node
VOLUME /data
HEALTHCHECK --interval=15s --start-interval=2s --start-period=90s --timeout=10s --retries=3 \
  CMD ["/bin/sh", "-c", "exec node -C @zeroplane/source libs/runtime/src/health-check.ts \"$APP\""]
CMD ["/bin/sh", "-c", "exec node -C @zeroplane/source apps/$APP/src/main.ts"]
