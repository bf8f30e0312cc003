import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError, errnoOf, messageOf } from '#/base/errors.ts';
import type { FileCache } from '#/core/registry/file-cache.ts';
import { parseHostsFile } from '#/core/registry/hosts-file.ts';
import {
  defaultHost,
  isMirrorOf,
  type DefaultHostOptions,
  type RegistryHost,
  type TlsFiles,
} from '#/core/registry/registry-host.ts';

export interface FoundHosts {
  readonly hosts: readonly RegistryHost[];
  /** What in the files is wrong or means nothing, in sentences. */
  readonly complaints: readonly string[];
}

/**
 * The directory of a registry: in the first root that has one, `host_port_` before `host:port` before `_default`
 * (containerd's order: a root's `_default` comes before the next root).
 */
export async function findHostDirectory(roots: readonly string[], domain: string): Promise<string | undefined> {
  const port = /^(.+):(\d+)$/.exec(domain);
  const names = [...(port === null ? [] : [`${port[1] ?? ''}_${port[2] ?? ''}_`]), domain, '_default'];
  for (const path of roots.flatMap((root) => names.map((name) => join(root, name))))
    if (await exists(path)) return path;
  return undefined;
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return false;
    throw new EngineError('failed-precondition', `Cannot look into "${path}": ${messageOf(error)}`, { cause: error });
  }
}

/**
 * What a directory says: its hosts.toml, or, where that is missing or cannot be read, certificates in docker's older
 * layout for the registry itself.
 */
export async function readHostDirectory(
  directory: string,
  domain: string,
  { files, ...defaults }: DefaultHostOptions & { readonly files: FileCache },
): Promise<FoundHosts> {
  const path = join(directory, 'hosts.toml');
  const source = await files.find(path);
  if (source === undefined || source.byteLength === 0) return await readCertificates(directory, domain, defaults);
  try {
    const { mirrors, server, unknownKeys } = parseHostsFile(source.toString('utf8'), directory);
    const { tls, address, ...settings } = server;
    const own = defaultHost(domain, { ...defaults, tls });
    // As containerd has it: capabilities beside a server that is not named mean nothing.
    const itself = address === undefined ? { capabilities: own.capabilities } : { ...address, tls };
    return {
      hosts: markUpstream([...mirrors, { ...own, ...settings, ...itself }], domain),
      complaints: unknownKeys.map((key) => `"${path}" says "${key}", which means nothing there`),
    };
  } catch (error) {
    const found = await readCertificates(directory, domain, defaults);
    return { ...found, complaints: [`"${path}" does not count: ${messageOf(error)}`] };
  }
}

/** Hosts with the registry's own name are the registry, wherever they stand; where none is, the server counts as it. */
function markUpstream(hosts: readonly RegistryHost[], domain: string): RegistryHost[] {
  const own = hosts.filter((host) => !isMirrorOf(host, domain));
  return hosts.map((host) => ({ ...host, upstream: own.length === 0 ? host.upstream : own.includes(host) }));
}

/** `*.crt` are authorities to trust, `*.cert` certificates of ours, with `*.key` of the same name. */
async function readCertificates(directory: string, domain: string, defaults: DefaultHostOptions): Promise<FoundHosts> {
  const names = (await readdir(directory)).toSorted();
  const ca = names.filter((name) => name.endsWith('.crt')).map((name) => join(directory, name));
  const client = names
    .filter((name) => name.endsWith('.cert'))
    .map((name) => ({ cert: name, key: name.replace(/cert$/, 'key') }))
    .map(({ cert, key }) => ({
      cert: join(directory, cert),
      ...(names.includes(key) ? { key: join(directory, key) } : {}),
    }));
  const tls: TlsFiles = { ...(ca.length === 0 ? {} : { ca }), ...(client.length === 0 ? {} : { client }) };
  return { hosts: [defaultHost(domain, { ...defaults, tls })], complaints: [] };
}
