import { EngineError } from '#/base/errors.ts';
import { isLoopbackHost } from '#/core/registry/proxy.ts';

export type Capability = 'pull' | 'resolve' | 'push' | 'referrers';

export const allCapabilities: readonly Capability[] = ['pull', 'resolve', 'push', 'referrers'];

/** Files that say whom to trust and who we are; paths are absolute. */
export interface TlsFiles {
  /** PEM certificates to trust beside the usual ones. */
  readonly ca?: readonly string[];
  /** Certificates of ours; without a key file the key is in the same file. */
  readonly client?: readonly { readonly cert: string; readonly key?: string }[];
  /** Takes any certificate. */
  readonly skipVerify?: boolean;
}

/** One place that serves a registry's content: the registry itself, or a mirror. */
export interface RegistryHost {
  /** Root of the API without a slash at its end: `https://mirror.example:5000/v2`. */
  readonly root: URL;
  /** `either` is https where the host speaks it, else http. */
  readonly scheme: 'https' | 'http' | 'either';
  readonly capabilities: readonly Capability[];
  readonly tls: TlsFiles;
  /** Sent with each request; names are in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Milliseconds until a connection must stand. */
  readonly dialTimeout?: number;
  /** The registry itself: what a caller gives as login is for this one only. */
  readonly upstream: boolean;
}

/** The hosts' own names where an image reference says something shorter. */
const realHosts: Readonly<Record<string, string>> = { 'docker.io': 'registry-1.docker.io' };

export interface DefaultHostOptions {
  readonly scheme?: 'http' | 'https' | undefined;
  readonly tls?: TlsFiles | undefined;
  /** Its certificate is not looked at, and it may speak plain http. */
  readonly insecure?: boolean | undefined;
}

/** The registry that an image name speaks of. On this machine it may speak plain http, and its certificate counts for nothing. */
export function defaultHost(domain: string, { scheme, tls = {}, insecure }: DefaultHostOptions = {}): RegistryHost {
  const host = realHosts[domain] ?? domain;
  const root = new URL(`https://${host}/v2`);
  const wanted = host === domain ? scheme : undefined;
  const loose = wanted === undefined && (insecure ?? isLoopbackHost(root.hostname));
  const explicit = tls.ca !== undefined || tls.client !== undefined || tls.skipVerify !== undefined;
  return {
    root: wanted === 'http' ? new URL(`http://${host}/v2`) : root,
    scheme: loose || (wanted === 'http' && explicit) ? 'either' : (wanted ?? 'https'),
    capabilities: allCapabilities,
    tls: loose && tls.skipVerify === undefined && tls.ca === undefined ? { ...tls, skipVerify: true } : tls,
    headers: {},
    upstream: true,
  };
}

/** Whether requests need to say whose content they want: all but the registry's own host do. */
export function isMirrorOf(host: RegistryHost, domain: string): boolean {
  return ![domain, realHosts[domain] ?? domain].some(
    (name) => host.root.host === new URL(`${host.root.protocol}//${name}`).host,
  );
}

/** Reads `host`, `host/path` or a URL; `/v2` follows unless it is there or `asIs`. Throws `invalid-argument`. */
export function parseHostUrl(text: string, asIs: boolean): URL {
  const withScheme = text.includes('://') ? text : `https://${text}`;
  const url = URL.canParse(withScheme) ? new URL(withScheme) : undefined;
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:') || url.hostname === '')
    throw new EngineError('invalid-argument', `Cannot use registry host ${JSON.stringify(text)}: it is no http(s) URL`);
  if (url.username !== '' || url.password !== '')
    throw new EngineError(
      'invalid-argument',
      `Cannot use registry host "${url.protocol}//…@${url.host}": a login belongs into the credentials, not into a URL`,
    );
  const path = url.pathname.replace(/\/+/g, '/').replace(/\/$/, '');
  url.pathname = asIs || path.endsWith('/v2') ? path : `${path}/v2`;
  url.search = '';
  url.hash = '';
  return url;
}
