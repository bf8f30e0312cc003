import { EngineError } from '#/base/errors.ts';
import { silentLogger, type Logger } from '#/base/log.ts';
import { openConnections } from '#/core/registry/connections.ts';
import type { Credentials, Registry, RegistryOptions } from '#/core/registry/contract.ts';
import { criCredentials, type CriRegistry } from '#/core/registry/cri-registry.ts';
import { defaultConfigFiles, findCredentials, hasCredentials } from '#/core/registry/credentials.ts';
import { createFileCache } from '#/core/registry/file-cache.ts';
import type { PartSettings } from '#/core/registry/fetch-parts.ts';
import { createFindHosts, defaultCertificatePath } from '#/core/registry/find-hosts.ts';
import { createTlsContexts } from '#/core/registry/host-tls.ts';
import { readHeaders } from '#/core/registry/hosts-file.ts';
import { createRepository } from '#/core/registry/open-repository.ts';
import type { ProxyEnvironment } from '#/core/registry/proxy.ts';
import { createRegistryClient, type ClientOptions, type RegistryClient } from '#/core/registry/registry-client.ts';
import type { RegistryHost } from '#/core/registry/registry-host.ts';
import { defaultRetryPolicy, type RetryPolicy } from '#/core/registry/retry.ts';
import { tryHosts, type Hosts } from '#/core/registry/try-hosts.ts';
import { parseReference } from '#/oci/reference.ts';

export interface RegistryConfig {
  readonly userAgent: string;
  /** docker's config.json files, the first that knows a host wins. Default: as docker finds its own. */
  readonly configFiles?: readonly string[];
  /** Directories of hosts.toml with colons between them. Default: containerd's, then docker's. */
  readonly certificatePath?: string;
  /** The `registry` table of containerd's CRI configuration; it counts for every face. */
  readonly cri?: CriRegistry;
  /** As docker's `insecure-registries`: `host[:port]`, or blocks of addresses. */
  readonly insecureRegistries?: readonly string[];
  /** Fetches large blobs over several connections at once, as containerd's `concurrent_layer_fetch_buffer`. */
  readonly parts?: PartSettings;
  readonly logger?: Logger;
  /** Milliseconds without a byte after which a server counts as gone. */
  readonly stallTimeout?: number;
  /** Milliseconds until a connection must stand, where hosts.toml does not say. */
  readonly dialTimeout?: number;
  readonly retryPolicy?: RetryPolicy;
  /** Where proxies and credential helpers are named. Default: the process's environment. */
  readonly environment?: ProxyEnvironment;
  /** PEM certificates to trust beside the public ones. */
  readonly ca?: readonly string[];
}

const defaultStallTimeout = 60_000;
const defaultDialTimeout = 30_000;

/** Throws `invalid-argument` where the configuration contradicts itself. */
export function openRegistry(config: RegistryConfig): Registry {
  const openHosts = createOpenHosts(config);
  return {
    openRepository: async (reference, options = {}) =>
      createRepository(reference, await openHosts(reference.domain, options), config.parts),
    checkLogin: async (host, credentials, signal) => {
      const domain = registryDomain(host);
      if (!hasCredentials(credentials))
        throw new EngineError('unauthenticated', `Cannot log in to "${host}": no user name and password were given`);
      const hosts = await openHosts(domain, { credentials, ...(signal === undefined ? {} : { signal }) });
      await using closing = new AsyncDisposableStack();
      for (const client of hosts.clients) closing.use(client);
      await pingLoggedIn(hosts, host);
    },
  };
}

type OpenHosts = (domain: string, options: RegistryOptions) => Promise<Hosts>;

function createOpenHosts(config: RegistryConfig): OpenHosts {
  const { environment = process.env, logger = silentLogger, cri = {} } = config;
  const files = createFileCache();
  const contexts = createTlsContexts({ files, environment, ca: config.ca ?? [] });
  const findHosts = createFindHosts({
    files,
    cri,
    certificatePath: config.certificatePath ?? defaultCertificatePath,
    insecureRegistries: config.insecureRegistries ?? [],
  });
  const findCredentials = createFindCredentials(config);
  const everywhere = readHeaders(cri.headers ?? {}, 'registry.headers');
  const openClient = (domain: string, host: RegistryHost, options: RegistryOptions): RegistryClient => {
    const { signal, trace } = options;
    const connections = openConnections({
      userAgent: config.userAgent,
      stallTimeout: config.stallTimeout ?? defaultStallTimeout,
      dialTimeout: host.dialTimeout ?? config.dialTimeout ?? defaultDialTimeout,
      environment,
      hostname: host.root.hostname,
      tls: async () => await contexts.open(host.tls),
      ...(trace === undefined ? {} : { trace }),
    });
    return createRegistryClient({
      connections,
      host,
      domain,
      logger,
      signal,
      retryPolicy: config.retryPolicy ?? defaultRetryPolicy,
      findCredentials: findCredentials(domain, host, options),
      headers: { ...everywhere, ...readHeaders(options.headers ?? {}, 'a header of the call'), ...host.headers },
    });
  };
  return async (domain, options) => {
    const { hosts, complaints } = await findHosts(domain, options);
    for (const complaint of complaints) logger.warn('registry hosts are not as their file says', { complaint });
    return {
      clients: hosts.map((host) => openClient(domain, host, options)),
      complaints,
      logger,
      signal: options.signal,
      shunned: new Set(),
      distrusted: new Set(),
    };
  };
}

type FindCredentials = (
  domain: string,
  host: RegistryHost,
  options: RegistryOptions,
) => ClientOptions['findCredentials'];

/** A caller's login is for the registry itself; mirrors get what the configuration or docker's files have for them. */
function createFindCredentials({ environment = process.env, cri = {}, ...config }: RegistryConfig): FindCredentials {
  const configFiles = config.configFiles ?? defaultConfigFiles(environment);
  const configured = (domain: string, { root, upstream }: RegistryHost): Credentials | undefined =>
    criCredentials(cri, root.host) ?? (upstream ? criCredentials(cri, domain) : undefined);
  return (domain, host, options) => async (request) => {
    const { credentials, askCredentials } = options;
    if (host.upstream && hasCredentials(credentials)) return credentials;
    const asked = await askCredentials?.(request);
    if (hasCredentials(asked)) return asked;
    const found = configured(domain, host);
    return found ?? (await findCredentials(configFiles, host.upstream ? domain : host.root.host, environment));
  };
}

/** The registry of a login: a host, or the URL that `docker login` sends; without either, Docker Hub. */
function registryDomain(server: string): string {
  const [host = ''] = server.replace(/^https?:\/\//, '').split('/');
  return host === '' ? 'docker.io' : parseReference(`${host}/login-check`).domain;
}

/** The API's root is what a login is checked against (distribution-spec, "Determining support"). */
async function pingLoggedIn(hosts: Hosts, host: string): Promise<void> {
  const call = { tried: `log in to "${host}"`, method: 'GET', target: '', scopes: [] } as const;
  const own = hosts.clients.filter((client) => client.host.upstream);
  await tryHosts(
    { ...hosts, clients: own },
    {
      tried: call.tried,
      needs: [],
      use: async (client) => {
        await using _response = await client.call(call);
      },
    },
  );
}
