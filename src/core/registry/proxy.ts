import { isIPv4, BlockList, isIP } from 'node:net';
import { EngineError } from '#/base/errors.ts';

/** The environment variables that say which proxy to use; lower-case names win, as in curl and Go. */
export type ProxyEnvironment = Readonly<Record<string, string | undefined>>;

export function isLoopbackHost(hostname: string): boolean {
  const bare = hostname.replace(/^\[|\]$/g, '');
  return bare === 'localhost' || bare === '::1' || (isIPv4(bare) && bare.startsWith('127.'));
}

/**
 * The proxy for a URL, or undefined for a direct connection. This machine itself is never reached by a proxy. Throws
 * `failed-precondition` where what is named cannot be used.
 */
export function proxyFor(url: URL, environment: ProxyEnvironment): string | undefined {
  if (isLoopbackHost(url.hostname)) return undefined;
  const setting = (name: string): string => environment[name.toLowerCase()] ?? environment[name] ?? '';
  const variable = url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const proxy = setting(variable).trim();
  if (proxy === '' || isExcluded(url, setting('NO_PROXY'))) return undefined;
  return checkProxy(proxy.includes('://') ? proxy : `http://${proxy}`, variable);
}

/** The address may carry a password, so errors tell of it only what comes before and after. */
function checkProxy(proxy: string, variable: string): string {
  const [scheme = ''] = proxy.split('://');
  const refuse = (why: string): EngineError =>
    new EngineError('failed-precondition', `Cannot use the proxy that ${variable} names: ${why}`);
  if (scheme !== 'http' && scheme !== 'https')
    throw refuse(`berth speaks with http and https proxies, and not ${JSON.stringify(scheme.slice(0, 40))}`);
  if (!URL.canParse(proxy)) throw refuse('it is no URL');
  return proxy;
}

function isExcluded(url: URL, list: string): boolean {
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
  return list
    .split(',')
    .map((entry) => entry.trim().toLowerCase())
    .filter((entry) => entry !== '')
    .some((entry) => entry === '*' || excludes(entry, url.hostname.toLowerCase().replace(/^\[|\]$/g, ''), port));
}

/** One NO_PROXY entry: an address, a CIDR block, `host[:port]` with all below it, or `.suffix` for what is below. */
function excludes(entry: string, hostname: string, port: string): boolean {
  if (entry.includes('/')) return isInBlock(entry, hostname);
  if (isIP(entry) !== 0) return entry === hostname;
  const [, name = '', entryPort] = /^(.*?)(?::(\d+))?$/.exec(entry) ?? [];
  if (entryPort !== undefined && entryPort !== port) return false;
  const bare = name.replace(/^\*?\./, '');
  return (bare === name && hostname === name) || hostname.endsWith(`.${bare}`);
}

function isInBlock(entry: string, hostname: string): boolean {
  const [network = '', bits = ''] = entry.split('/');
  const family = isIP(network);
  if (family === 0 || isIP(hostname) !== family || !/^\d+$/.test(bits)) return false;
  if (Number(bits) > (family === 4 ? 32 : 128)) return false;
  const block = new BlockList();
  const kind = family === 4 ? 'ipv4' : 'ipv6';
  block.addSubnet(network, Number(bits), kind);
  return block.check(hostname, kind);
}
