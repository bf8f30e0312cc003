import { EngineError } from '#/base/errors.ts';
import type { Credentials } from '#/core/registry/contract.ts';
import { decodeAuth, hasCredentials } from '#/core/registry/credentials.ts';
import { isLoopbackHost } from '#/core/registry/proxy.ts';
import {
  allCapabilities,
  defaultHost,
  parseHostUrl,
  type RegistryHost,
  type TlsFiles,
} from '#/core/registry/registry-host.ts';

export interface CriAuth {
  readonly username?: string;
  readonly password?: string;
  /** `user:password` in base64. */
  readonly auth?: string;
  readonly identitytoken?: string;
}

export interface CriTls {
  readonly insecure_skip_verify?: boolean;
  readonly ca_file?: string;
  readonly cert_file?: string;
  readonly key_file?: string;
}

/** The `registry` table of containerd's CRI plugin, with the file's own names. */
export interface CriRegistry {
  /** Directories of hosts.toml, with colons between them. Excludes `mirrors`. */
  readonly config_path?: string;
  /** By image host, or `*` for all others. */
  readonly mirrors?: Readonly<Record<string, { readonly endpoint?: readonly string[] }>>;
  /** By host and port of an endpoint. */
  readonly configs?: Readonly<Record<string, { readonly auth?: CriAuth; readonly tls?: CriTls }>>;
  /** By host or URL: what `configs` says under `auth`, from before it could. */
  readonly auths?: Readonly<Record<string, CriAuth>>;
  /** Sent with every request to any registry. */
  readonly headers?: Readonly<Record<string, readonly string[]>>;
}

/** Throws `invalid-argument` where the parts of the section contradict each other. */
export function checkCriRegistry({ config_path: configPath = '', mirrors = {}, configs = {} }: CriRegistry): void {
  if (configPath === '') return;
  const refuse = (what: string): EngineError =>
    new EngineError(
      'invalid-argument',
      `Cannot use registry.${what} of the configuration: config_path is set, and the hosts.toml there says all that ${what} could; remove one of the two`,
    );
  if (Object.keys(mirrors).length > 0) throw refuse('mirrors');
  if (Object.values(configs).some(({ tls }) => tls !== undefined)) throw refuse('configs."…".tls');
}

/** The hosts that the section names for a registry, itself last; undefined where it says nothing of it. */
export function criHosts(section: CriRegistry, domain: string): RegistryHost[] | undefined {
  const { root } = defaultHost(domain);
  const tls = section.configs?.[root.host]?.tls ?? section.configs?.[domain]?.tls;
  const own = defaultHost(domain, { tls: filesOf(tls) });
  const named = section.mirrors?.[domain] ?? section.mirrors?.['*'];
  if (named === undefined) return tls === undefined ? undefined : [own];
  const hosts = (named.endpoint ?? []).map((endpoint) => mirror(section, endpoint, domain));
  return hosts.some(({ upstream }) => upstream) ? hosts : [...hosts, own];
}

function mirror({ configs }: CriRegistry, endpoint: string, domain: string): RegistryHost {
  const root = parseHostUrl(withScheme(endpoint), true);
  if (root.pathname === '/') root.pathname = '/v2';
  const upstream = root.host === domain || root.host === defaultHost(domain).root.host;
  return {
    root,
    scheme: root.protocol === 'http:' ? 'http' : 'https',
    capabilities: upstream ? allCapabilities : ['pull', 'resolve', 'referrers'],
    tls: filesOf(configs?.[root.host]?.tls),
    headers: {},
    upstream,
  };
}

function withScheme(endpoint: string): string {
  if (endpoint.includes('://')) return endpoint;
  const local = URL.canParse(`http://${endpoint}`) && isLoopbackHost(new URL(`http://${endpoint}`).hostname);
  return `${local ? 'http' : 'https'}://${endpoint}`;
}

function filesOf({ insecure_skip_verify: skip, ca_file: ca, cert_file: cert, key_file: key }: CriTls = {}): TlsFiles {
  return {
    ...(skip === undefined ? {} : { skipVerify: skip }),
    ...(ca === undefined || ca === '' ? {} : { ca: [ca] }),
    ...(cert === undefined || cert === ''
      ? {}
      : { client: [{ cert, ...(key === undefined || key === '' ? {} : { key }) }] }),
  };
}

/** The login that the section has for a host, by `configs` or the older `auths`. */
export function criCredentials({ configs = {}, auths = {} }: CriRegistry, host: string): Credentials | undefined {
  const older = Object.entries(auths).find(([key]) => hostOf(key) === host)?.[1];
  const entry = older ?? configs[host]?.auth;
  if (entry === undefined) return undefined;
  const { username = '', password = '', auth = '', identitytoken = '' } = entry;
  const [user, secret] =
    username !== '' || auth === '' ? [username, password] : decodeAuth(auth, `the configuration's login for "${host}"`);
  const credentials = {
    ...(user === '' ? {} : { username: user, password: secret }),
    ...(user !== '' || identitytoken === '' ? {} : { identityToken: identitytoken }),
  };
  return hasCredentials(credentials) ? credentials : undefined;
}

function hostOf(key: string): string {
  return key.includes('://') && URL.canParse(key) ? new URL(key).host : key;
}
