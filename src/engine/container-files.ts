import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError } from '#/base/errors.ts';
import type { SpecMount } from '#/oci/runtime-spec.ts';
import type { HostConfig } from '#/engine/docker-config.ts';

export interface ContainerPlace {
  readonly root: string;
  readonly state: string;
}

/** Persistent files of a container: its log, hosts, hostname and resolv.conf. The id was checked or made by us. */
export function containerDirectory(
  { root }: ContainerPlace,
  container: { readonly namespace: string; readonly id: string },
): string {
  return join(root, 'containers', container.namespace, container.id);
}

export function logPathOf(
  place: ContainerPlace,
  container: { readonly namespace: string; readonly id: string },
): string {
  return join(containerDirectory(place, container), `${container.id}-json.log`);
}

/** FIFOs and attach socket of a process; the name is short because a socket's path has 108 bytes at most. */
export function stdioDirectory({ state }: ContainerPlace, id: string): string {
  return join(state, 'stdio', id.slice(0, 24));
}

export interface NetworkFiles {
  readonly hostname: string;
  readonly domainname: string;
  readonly network: 'host' | 'none';
  readonly hostConfig: HostConfig;
}

const readOr = async (path: string, fallback: string): Promise<string> => {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return fallback;
  }
};

async function hostsText({ hostname, domainname, network, hostConfig }: NetworkFiles): Promise<string> {
  const full = domainname === '' ? hostname : `${hostname}.${domainname} ${hostname}`;
  const usual = `127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n`;
  const base = network === 'host' ? await readOr('/etc/hosts', usual) : `${usual}127.0.1.1\t${full}\n`;
  return base + hostConfig.ExtraHosts.map(extraHostLine).join('');
}

function extraHostLine(entry: string): string {
  const cut = entry.search(/[:=]/);
  const [name, address] = [entry.slice(0, cut), entry.slice(cut + 1)];
  if (address === 'host-gateway')
    throw new EngineError(
      'invalid-argument',
      `Cannot add host "${entry}": host-gateway needs a bridge network, which berth does not have yet`,
    );
  if (cut <= 0 || !/^[A-Za-z0-9._-]+$/.test(name) || !/^\[?[0-9a-fA-F:.]+\]?$/.test(address))
    throw new EngineError('invalid-argument', `Cannot add host ${JSON.stringify(entry)}: expected NAME:ADDRESS`);
  return `${address.replace(/^\[|\]$/g, '')}\t${name}\n`;
}

async function resolvText({ network, hostConfig }: NetworkFiles): Promise<string> {
  const { Dns, DnsSearch, DnsOptions } = hostConfig;
  for (const word of [...Dns, ...DnsSearch, ...DnsOptions])
    if (/[\s\0]/.test(word))
      throw new EngineError('invalid-argument', `Cannot use ${JSON.stringify(word)} for DNS: it has white space`);
  const inherited = network === 'host' ? await readOr('/etc/resolv.conf', '') : '';
  const kept = inherited
    .split('\n')
    .filter(
      (line) =>
        !(
          (Dns.length > 0 && line.startsWith('nameserver')) ||
          (DnsSearch.length > 0 && /^(?:search|domain)/.test(line)) ||
          (DnsOptions.length > 0 && line.startsWith('options'))
        ),
    );
  const own = [
    ...Dns.map((server) => `nameserver ${server}`),
    ...(DnsSearch.length > 0 ? [`search ${DnsSearch.join(' ')}`] : []),
    ...(DnsOptions.length > 0 ? [`options ${DnsOptions.join(' ')}`] : []),
  ];
  return [...kept.filter((line) => line !== ''), ...own, ''].join('\n');
}

/** Writes the three files that every container finds under /etc, and says how to mount them. */
export async function writeContainerFiles(directory: string, files: NetworkFiles): Promise<SpecMount[]> {
  const texts = {
    'resolv.conf': await resolvText(files),
    hostname: `${files.hostname}\n`,
    hosts: await hostsText(files),
  };
  await mkdir(directory, { recursive: true, mode: 0o710 });
  const written = Object.entries(texts).map(async ([name, text]) => {
    const path = join(directory, name);
    await writeFile(path, text, { mode: 0o644 });
    return { destination: `/etc/${name}`, type: 'bind', source: path, options: ['rbind', 'rprivate', 'rw'] };
  });
  return Promise.all(written);
}

/** Removes everything that a container had on disk outside its snapshot. */
export async function removeContainerFiles(
  place: ContainerPlace,
  container: { readonly namespace: string; readonly id: string },
): Promise<void> {
  await rm(containerDirectory(place, container), { recursive: true, force: true });
  await rm(stdioDirectory(place, container.id), { recursive: true, force: true });
}
