import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { TlsOfHost } from '#/core/registry/host-tls.ts';
import { proxyFor, type ProxyEnvironment } from '#/core/registry/proxy.ts';

const maxSocketsPerHost = 16;
const maxIdleSockets = 4;

export interface AgentOptions {
  readonly environment: ProxyEnvironment;
  /** How to speak TLS with a place; read when the first such connection is opened. */
  readonly tls: () => Promise<TlsOfHost>;
  /** The host that our certificate is for. */
  readonly hostname: string;
}

/** Keeps connections for the next request, by scheme, proxy, and whether we say who we are. */
export interface Agents extends Disposable {
  forUrl(url: URL): Promise<HttpAgent>;
}

export function openAgents({ environment, tls, hostname }: AgentOptions): Agents {
  const agents = new Map<string, HttpAgent>();
  const shared = { keepAlive: true, maxSockets: maxSocketsPerHost, maxFreeSockets: maxIdleSockets };
  const open = async (url: URL, proxy: string | undefined): Promise<HttpAgent> => {
    const proxied = proxy === undefined ? {} : { proxyEnv: { HTTP_PROXY: proxy, HTTPS_PROXY: proxy } };
    if (url.protocol !== 'https:') return new HttpAgent({ ...shared, ...proxied });
    const { own, elsewhere } = await tls();
    const { context, skipVerify } = url.hostname === hostname ? own : elsewhere;
    return new HttpsAgent({ ...shared, ...proxied, secureContext: context, rejectUnauthorized: !skipVerify });
  };
  return {
    forUrl: async (url) => {
      const proxy = proxyFor(url, environment);
      const key = `${url.protocol} ${url.hostname === hostname} ${proxy ?? ''}`;
      const agent = agents.get(key) ?? (await open(url, proxy));
      const first = agents.get(key) ?? agent;
      agents.set(key, first);
      return first;
    },
    [Symbol.dispose]: () => agents.forEach((agent) => agent.destroy()),
  };
}
