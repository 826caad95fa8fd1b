# syntax=docker/dockerfile:1

# Debian 13 has glibc 2.41; the binary of uWebSockets.js wants 2.38.
FROM node:24-trixie-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The postinstall script looks at the binary of uWebSockets.js.
COPY scripts ./scripts
# `node` itself is a development dependency: the image brings its own.
RUN npm ci --omit=dev && npm cache clean --force \
  && rm -rf node_modules/onnxruntime-node/bin/napi-v6/darwin \
    node_modules/onnxruntime-node/bin/napi-v6/win32

FROM node:24-trixie-slim
LABEL org.opencontainers.image.title="Sluice" \
  org.opencontainers.image.description="Model-serving gateway with built-in monitoring" \
  org.opencontainers.image.licenses="Apache-2.0"
ENV NODE_ENV=production \
  SLUICE_SERVER__HOST=0.0.0.0 \
  SLUICE_METRICS__LISTEN=0.0.0.0:8003 \
  SLUICE_STATE_DIR=/var/lib/sluice/state \
  SLUICE_RECORDS__PATH=/var/lib/sluice/records
# Both folders are made within the volume: what is mounted there is often root's, for a group that
# may write (an `fsGroup` of Kubernetes, a tmpfs), and only the owner of a folder can close it.
RUN mkdir -p /var/lib/sluice /models \
  && chown 65532:65532 /var/lib/sluice \
  && chmod 0700 /var/lib/sluice
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json LICENSE README.md ./
COPY bin ./bin
COPY proto ./proto
COPY src ./src
COPY examples ./examples
USER 65532:65532
VOLUME /var/lib/sluice
# 8000: HTTP. 8001: gRPC. 8003: metrics and health. Control (8002) stays on loopback inside the container.
EXPOSE 8000 8001 8003
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8000/livez').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/src/main.ts"]
CMD ["serve", "--model-repository", "/models"]
