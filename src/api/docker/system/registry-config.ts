import type { DaemonFacts } from '#/api/docker/daemon-facts.ts';

/** What `info` says of registries. Docker names hosts and blocks of addresses apart, and this machine's first. */
export function registryConfig({ insecure, hubMirrors }: DaemonFacts['registries']): object {
  const hosts = insecure.filter((entry) => !entry.includes('/'));
  const indexOf = (name: string, official: boolean, mirrors: readonly string[]): object => ({
    Name: name,
    Mirrors: mirrors,
    Secure: official,
    Official: official,
  });
  return {
    InsecureRegistryCIDRs: ['::1/128', '127.0.0.0/8', ...insecure.filter((entry) => entry.includes('/'))],
    IndexConfigs: {
      'docker.io': indexOf('docker.io', true, hubMirrors),
      ...Object.fromEntries(hosts.map((host) => [host, indexOf(host, false, [])])),
    },
    Mirrors: hubMirrors,
  };
}
