/** The peers that this machine has: Debian's containerd, docker.io and umoci, each started privately. */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mustRun } from '../support/run-command.ts';
import type { Command } from './cost-of-command.ts';
import { findPeerTools } from '../support/peer-tools.ts';
import { startDaemon, type DaemonProcess } from './daemon-process.ts';
import type { Place } from './place.ts';

export const programs = {
  containerd: '/usr/bin/containerd',
  ctr: '/usr/bin/ctr',
  dockerd: '/usr/sbin/dockerd',
  docker: '/usr/bin/docker',
  skopeo: '/usr/bin/skopeo',
  umoci: '/usr/bin/umoci',
  runc: '/usr/sbin/runc',
} as const;

export const has = (...names: readonly (keyof typeof programs)[]): boolean =>
  names.every((name) => existsSync(programs[name]));

export interface Containerd extends AsyncDisposable {
  /** Which one, in the table. */
  readonly name: string;
  readonly daemon: DaemonProcess;
  readonly root: string;
  readonly address: string;
  ctr(...args: string[]): Promise<string>;
}

/** Undefined where the machine has none. `file` is another copy of the program. */
export async function startContainerd(
  place: Place,
  file: string = programs.containerd,
): Promise<Containerd | undefined> {
  if (!has('containerd', 'ctr')) return undefined;
  return await launchContainerd(place, { name: 'containerd 1.6', file });
}

/** The current one, where `scripts/peers-tools.sh` has built it. Its client is Debian's ctr all the same. */
export async function startContainerd2(place: Place): Promise<Containerd | undefined> {
  const tools = findPeerTools();
  if (tools.skip !== false || !has('ctr')) return undefined;
  return await launchContainerd(place, { name: 'containerd 2', file: tools.path('containerd') });
}

async function launchContainerd(
  place: Place,
  { name, file }: { readonly name: string; readonly file: string },
): Promise<Containerd> {
  const directory = join(place.path, name.replaceAll(' ', '-'));
  const [root, state, address] = [join(directory, 'root'), join(directory, 'run'), join(directory, 'run/sock')];
  const config = join(directory, 'config.toml');
  await mkdir(directory, { recursive: true });
  await writeFile(config, containerdConfig({ root, state, address }));
  const daemon = await startDaemon({ directory, file, args: ['--config', config], socketPath: address });
  return {
    name,
    daemon,
    root,
    address,
    ctr: (...args) => mustRun(programs.ctr, ['--address', address, ...args], { timeoutMs: 600_000 }),
    [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose](),
  };
}

let runs = 0;

/** `ctr run --rm` of an image, each time under a new name. */
export const ctrRun = ({ address }: Containerd, image: string, ...words: readonly string[]): Command => ({
  file: programs.ctr,
  args: ['--address', address, 'run', '--rm', image, `bench-${process.pid}-${runs++}`, ...words],
});

interface ContainerdPaths {
  readonly root: string;
  readonly state: string;
  readonly address: string;
}

function containerdConfig({ root, state, address }: ContainerdPaths): string {
  const unused = [
    'grpc.v1.cri',
    'cri.v1.images',
    'cri.v1.runtime',
    'nri.v1.nri',
    'snapshotter.v1.aufs',
    'snapshotter.v1.btrfs',
    'snapshotter.v1.devmapper',
    'snapshotter.v1.zfs',
  ];
  return `version = 2
root = ${JSON.stringify(root)}
state = ${JSON.stringify(state)}
disabled_plugins = ${JSON.stringify(unused.map((name) => `io.containerd.${name}`))}
[grpc]
  address = ${JSON.stringify(address)}
[debug]
  level = "warn"
[plugins."io.containerd.internal.v1.opt"]
  path = ${JSON.stringify(join(root, 'opt'))}
`;
}

export interface Dockerd extends AsyncDisposable {
  readonly daemon: DaemonProcess;
  readonly socketPath: string;
}

/** With the containerd that it brings along, and without networks: it leaves the host's addresses and rules alone. */
export async function startDockerd(place: Place, file: string = programs.dockerd): Promise<Dockerd | undefined> {
  if (!has('dockerd', 'containerd')) return undefined;
  const directory = join(place.path, 'dockerd');
  const socketPath = join(directory, 'sock');
  // In place of the host's /etc/docker/daemon.json.
  const config = join(directory, 'daemon.json');
  await mkdir(directory, { recursive: true });
  await writeFile(config, '{}');
  const daemon = await startDaemon({
    directory,
    file,
    args: [
      `--data-root=${join(directory, 'root')}`,
      `--exec-root=${join(directory, 'run')}`,
      `--pidfile=${join(directory, 'pid')}`,
      `--config-file=${config}`,
      `--host=unix://${socketPath}`,
      '--iptables=false',
      '--ip6tables=false',
      '--bridge=none',
      '--log-level=warn',
    ],
    socketPath,
  });
  return { daemon, socketPath, [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose]() };
}

/** How the docker command reaches a daemon, and nothing of the person's own configuration. */
export const dockerEnvironment = (socketPath: string, { path }: Place): Record<string, string> => ({
  DOCKER_HOST: `unix://${socketPath}`,
  DOCKER_CONFIG: join(path, 'docker-config'),
});
