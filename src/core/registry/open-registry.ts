import { EngineError } from '#/base/errors.ts';
import { silentLogger, type Logger } from '#/base/log.ts';
import { openConnections } from '#/core/registry/connections.ts';
import type { CredentialRequest, Credentials, Registry, RegistryOptions } from '#/core/registry/contract.ts';
import { defaultConfigFiles, findCredentials, hasCredentials } from '#/core/registry/credentials.ts';
import { createRepository } from '#/core/registry/open-repository.ts';
import type { ProxyEnvironment } from '#/core/registry/proxy.ts';
import { createRegistryClient, type RegistryClient } from '#/core/registry/registry-client.ts';
import { defaultRetryPolicy, type RetryPolicy } from '#/core/registry/retry.ts';
import { parseReference } from '#/oci/reference.ts';

export interface RegistryConfig {
  readonly userAgent: string;
  /** docker's config.json files, the first that knows a host wins. Default: as docker finds its own. */
  readonly configFiles?: readonly string[];
  readonly logger?: Logger;
  /** Milliseconds without a byte after which a server counts as gone. */
  readonly stallTimeout?: number;
  readonly retryPolicy?: RetryPolicy;
  /** Where proxies and credential helpers are named. Default: the process's environment. */
  readonly environment?: ProxyEnvironment;
  /** PEM certificates to trust beside the public ones. */
  readonly ca?: readonly string[];
}

const defaultStallTimeout = 60_000;

export function openRegistry(config: RegistryConfig): Registry {
  const { environment = process.env, logger = silentLogger, retryPolicy = defaultRetryPolicy } = config;
  const configFiles = config.configFiles ?? defaultConfigFiles(environment);
  const connect = (domain: string, options: RegistryOptions) => {
    const { credentials, askCredentials, signal, trace } = options;
    if (options.hostDir !== undefined)
      throw new EngineError('unimplemented', `Cannot use "${options.hostDir}": hosts.toml is not read yet`);
    const connections = openConnections({
      userAgent: config.userAgent,
      stallTimeout: config.stallTimeout ?? defaultStallTimeout,
      environment,
      ...(config.ca === undefined ? {} : { ca: config.ca }),
      ...(trace === undefined ? {} : { trace }),
    });
    const findThem = async (request: CredentialRequest): Promise<Credentials | undefined> => {
      if (hasCredentials(credentials)) return credentials;
      if (askCredentials !== undefined) return await askCredentials(request);
      return await findCredentials(configFiles, domain, environment);
    };
    const client = createRegistryClient({
      connections,
      domain,
      retryPolicy,
      findCredentials: findThem,
      logger,
      signal,
      ...(options.headers === undefined ? {} : { headers: options.headers }),
      ...(options.defaultScheme === undefined ? {} : { defaultScheme: options.defaultScheme }),
    });
    return { connections, client };
  };
  return {
    openRepository: async (reference, options = {}) => {
      const { client, connections } = connect(reference.domain, options);
      return createRepository(reference, client, connections);
    },
    checkLogin: async (host, credentials, signal) => {
      const domain = registryDomain(host);
      if (!hasCredentials(credentials))
        throw new EngineError('unauthenticated', `Cannot log in to "${host}": no user name and password were given`);
      const { client, connections } = connect(domain, { credentials, ...(signal === undefined ? {} : { signal }) });
      await using _closing = connections;
      await pingLoggedIn(client, host);
    },
  };
}

/** The registry of a login: a host, or the URL that `docker login` sends; without either, Docker Hub. */
function registryDomain(server: string): string {
  const [host = ''] = server.replace(/^https?:\/\//, '').split('/');
  return host === '' ? 'docker.io' : parseReference(`${host}/login-check`).domain;
}

/** `GET /v2/` is what a login is checked against (distribution-spec, "Determining support"). */
async function pingLoggedIn(client: RegistryClient, host: string): Promise<void> {
  const call = { tried: `log in to "${host}"`, method: 'GET', target: '/v2/', scopes: [] } as const;
  await using _response = await client.call(call);
}
