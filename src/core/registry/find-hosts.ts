import { BlockList, isIP } from 'node:net';
import type { RegistryOptions } from '#/core/registry/contract.ts';
import { checkCriRegistry, criHosts, type CriRegistry } from '#/core/registry/cri-registry.ts';
import type { FileCache } from '#/core/registry/file-cache.ts';
import { findHostDirectory, readHostDirectory, type FoundHosts } from '#/core/registry/host-directory.ts';
import { defaultHost } from '#/core/registry/registry-host.ts';

/** Where containerd and docker look, separated by a colon. */
export const defaultCertificatePath = '/etc/containerd/certs.d:/etc/docker/certs.d';

export interface HostSources {
  readonly files: FileCache;
  /** Directories of hosts.toml with colons between them; '' reads none. */
  readonly certificatePath: string;
  /** containerd's older way to say the same; it decides for the hosts that it names. */
  readonly cri: CriRegistry;
  /** Registries by `host[:port]` or by block of addresses whose certificates do not count and that may speak http. */
  readonly insecureRegistries: readonly string[];
}

/** Finds the places that serve a registry's content, in the order in which they are asked. Throws what is wrong with the sources. */
export type FindHosts = (
  domain: string,
  options: Pick<RegistryOptions, 'hostDir' | 'defaultScheme'>,
) => Promise<FoundHosts>;

export function createFindHosts(sources: HostSources): FindHosts {
  checkCriRegistry(sources.cri);
  const insecure = createInsecureMatcher(sources.insecureRegistries);
  const configured = sources.cri.config_path ?? '';
  const roots = (configured === '' ? sources.certificatePath : configured).split(':').filter((root) => root !== '');
  return async (domain, { hostDir, defaultScheme }) => {
    const defaults = { scheme: defaultScheme, ...(insecure(domain) ? { insecure: true } : {}) };
    const named = hostDir === undefined ? criHosts(sources.cri, domain) : undefined;
    if (named !== undefined) return { hosts: named, complaints: [] };
    const directory = await findHostDirectory(hostDir === undefined ? roots : [hostDir], domain);
    if (directory === undefined) return { hosts: [defaultHost(domain, defaults)], complaints: [] };
    return await readHostDirectory(directory, domain, { ...defaults, files: sources.files });
  };
}

/** As docker's `insecure-registries`; names are not looked up. */
function createInsecureMatcher(entries: readonly string[]): (domain: string) => boolean {
  const names = new Set(entries.filter((entry) => !entry.includes('/')));
  const blocks = new BlockList();
  for (const entry of entries) {
    const [network = '', bits = ''] = entry.split('/');
    const family = isIP(network);
    if (family === 0 || !/^\d+$/.test(bits) || Number(bits) > (family === 4 ? 32 : 128)) continue;
    blocks.addSubnet(network, Number(bits), family === 4 ? 'ipv4' : 'ipv6');
  }
  return (domain) => {
    const bare = domain.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
    const family = isIP(bare);
    return names.has(domain) || (family !== 0 && blocks.check(bare, family === 4 ? 'ipv4' : 'ipv6'));
  };
}
