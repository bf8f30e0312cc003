import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { EngineError, messageOf } from '#/base/errors.ts';
import type { Logger } from '#/base/log.ts';
import { formatMetrics, prometheusContentType, type Metric } from '#/api/metrics/prometheus-text.ts';

export interface MetricsServerOptions {
  /** `HOST:PORT`; without a host, all of this machine's addresses. */
  readonly address: string;
  readonly read: () => Promise<readonly Metric[]>;
  readonly logger: Logger;
}

const mostConnections = 64;

/** Serves `/v1/metrics` to anybody who can reach the address. */
export async function openMetricsServer({ address, read, logger }: MetricsServerOptions): Promise<AsyncDisposable> {
  const { host, port } = parseAddress(address);
  const server = createServer((request, response) => {
    answer(request, response, read).catch((error: unknown) => {
      logger.warn('metrics could not be read', { error: messageOf(error) });
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  });
  server.maxConnections = mostConnections;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen({ port, ...(host === '' ? {} : { host }) }, resolve);
  try {
    await promise;
  } catch (cause) {
    throw new EngineError('unavailable', `Cannot serve metrics on "${address}"`, { cause });
  }
  return {
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(
  { method, url }: IncomingMessage,
  response: ServerResponse,
  read: () => Promise<readonly Metric[]>,
): Promise<void> {
  if (new URL(url ?? '/', 'http://localhost').pathname !== '/v1/metrics') {
    response.writeHead(404, { 'content-type': 'text/plain' }).end('metrics are at /v1/metrics\n');
    return;
  }
  if (method !== 'GET' && method !== 'HEAD') {
    response.writeHead(405, { allow: 'GET' }).end();
    return;
  }
  const text = formatMetrics(await read());
  response.writeHead(200, { 'content-type': prometheusContentType }).end(method === 'HEAD' ? undefined : text);
}

/** `127.0.0.1:1338`, `[::1]:1338`, `:1338`. */
export function parseAddress(address: string): { readonly host: string; readonly port: number } {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:]*)):(\d{1,5})$/.exec(address);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535)
    throw new EngineError('invalid-argument', `Cannot serve metrics on "${address}": expected HOST:PORT`);
  return { host: match[1] ?? match[2] ?? '', port };
}
