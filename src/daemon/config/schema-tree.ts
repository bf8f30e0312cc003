import { defaultExpansion } from '#/core/layers/expansion.ts';
import {
  adjustment,
  duration,
  level,
  oneOf,
  path,
  paths,
  plugins,
  text,
  textTable,
  texts,
  variables,
  whole,
} from '#/daemon/config/parsers.ts';
import { branch, known, leaf, names, type Branch } from '#/daemon/config/schema.ts';
import type { StreamProcessor } from '#/core/layers/stream-processors.ts';
import type { LogLevel } from '#/base/log.ts';
import { defaultRuntime } from '#/oci/runtime-names.ts';
import { absentSections } from '#/daemon/config/sections/absent.ts';
import { coreSections, type CoreSettings } from '#/daemon/config/sections/core.ts';
import { criSections, type CriSettings } from '#/daemon/config/sections/cri.ts';
import type { ProxySection } from '#/daemon/proxy-plugins.ts';
import { serverSections, type ServerSettings } from '#/daemon/config/sections/servers.ts';

export const newestVersion = 4;

/** A program that turns layers of one media type into another's. */
export type ProcessorSection = Omit<StreamProcessor, 'id'>;

/** What a configuration says, parsed, with a value for every key that berth follows. */
export interface Settings {
  readonly version: number;
  readonly root: string;
  readonly state: string;
  readonly temp: string;
  readonly oom_score: number;
  readonly imports: readonly string[];
  readonly disabled_plugins: readonly string[];
  readonly required_plugins: readonly string[];
  readonly debug: { readonly level: LogLevel; readonly format: 'text' | 'json' };
  /** Milliseconds. */
  readonly timeouts: {
    readonly 'io.containerd.timeout.shim.load': number;
    readonly 'io.containerd.timeout.shim.cleanup': number;
    readonly 'io.containerd.timeout.shim.shutdown': number;
    readonly 'io.containerd.timeout.task.state': number;
    readonly 'io.containerd.timeout.metrics.shimstats': number;
  };
  readonly cgroup: { readonly path: string };
  readonly stream_processors: Readonly<Record<string, ProcessorSection>>;
  readonly proxy_plugins: Readonly<Record<string, ProxySection>>;
  readonly plugins: ServerSettings & CoreSettings & CriSettings;
  readonly berth: {
    readonly docker_address: string;
    readonly snapshotter: string;
    readonly runtime: string;
    readonly insecure_registries: readonly string[];
    readonly max_layer_ratio: number;
    readonly max_layer_size: number;
    readonly listen: { readonly grpc: readonly string[]; readonly docker: readonly string[] };
  };
}

const ocicrypt = {
  path: 'ctd-decoder',
  args: ['--decryption-keys-path', '/etc/containerd/ocicrypt/keys'],
  env: ['OCICRYPT_KEYPROVIDER_CONFIG=/etc/containerd/ocicrypt/ocicrypt_keyprovider.conf'],
};
const layerTar = 'application/vnd.oci.image.layer.v1.tar';
const streamProcessors = {
  'io.containerd.ocicrypt.decoder.v1.tar': { accepts: [`${layerTar}+encrypted`], returns: layerTar, ...ocicrypt },
  'io.containerd.ocicrypt.decoder.v1.tar.gzip': {
    accepts: [`${layerTar}+gzip+encrypted`],
    returns: `${layerTar}+gzip`,
    ...ocicrypt,
  },
};

/** Everything that a configuration of the newest version can say. */
export const schemaTree: Branch<Settings> = branch<Settings>('', {
  version: leaf(whole, newestVersion, "Of the schema, which is containerd's."),
  root: leaf(path, '/var/lib/berth', 'Persistent files: content, snapshots, metadata, logs of containers.'),
  state: leaf(path, '/run/berth', 'Sockets, bundles and mounts.'),
  temp: leaf(path, '', 'Temporary files of berthd\'s children (TMPDIR); "" leaves it as it is.'),
  plugin_dir: known(''),
  oom_score: leaf(
    adjustment,
    0,
    'How gladly the kernel kills berthd when memory runs out: -1000 to 1000, 0 leaves it as it is.',
  ),
  imports: leaf(texts, [], 'More files of this kind; "*" matches, and what is not absolute is beside this file.'),
  disabled_plugins: leaf(plugins, [], 'Parts to leave out, such as "io.containerd.snapshotter.v1.native".'),
  required_plugins: leaf(plugins, [], 'Parts without which berthd shall not start.'),
  debug: branch<Settings['debug']>('The log.', {
    level: leaf(level, 'info', 'trace, debug, info, warn or error'),
    format: leaf(oneOf('text', 'json'), 'text', 'text or json'),
    log_trace_id: known(false),
  }),
  timeouts: branch<Settings['timeouts']>('How long a shim may take.', {
    'io.containerd.timeout.shim.load': leaf(duration, '5s', 'To be found again after a restart of berthd.'),
    'io.containerd.timeout.shim.cleanup': leaf(duration, '5s', 'To clean up what a dead one left.'),
    'io.containerd.timeout.shim.shutdown': leaf(duration, '3s', 'To end when its containers have.'),
    'io.containerd.timeout.task.state': leaf(duration, '2s', 'To say how a process is.'),
    'io.containerd.timeout.bolt.open': known('0s'),
    'io.containerd.timeout.cri.defercleanup': known('1m0s'),
    'io.containerd.timeout.metrics.shimstats': leaf(duration, '2s', 'To tell what a container uses.'),
  }),
  cgroup: branch<{ readonly path: string }>('', { path: leaf(text, '', 'A cgroup that berthd enters; "" is none.') }),
  proxy_plugins: names<ProxySection>(
    '',
    branch<ProxySection>('A part of berthd that another process does.', {
      type: leaf(text, '', 'snapshot, content, diff or sandbox'),
      address: leaf(path, '', 'Its unix socket.'),
      platform: leaf(text, '', ''),
      exports: leaf(textTable, {}, ''),
      capabilities: leaf(texts, [], ''),
    }),
  ),
  stream_processors: names<ProcessorSection>(
    '',
    branch<ProcessorSection>('A program that turns layers of one type into another.', {
      accepts: leaf(texts, [], 'Media types that it takes.'),
      returns: leaf(text, '', 'The media type that it gives.'),
      path: leaf(text, '', 'The program; a name is looked for on PATH.'),
      args: leaf(texts, [], ''),
      env: leaf(variables, [], 'Variables for it, "NAME=VALUE" each.'),
    }),
    streamProcessors,
  ),
  plugins: branch<Settings['plugins']>('', { ...serverSections, ...coreSections, ...criSections, ...absentSections }),
  berth: branch('What only berth has.', {
    docker_address: leaf(path, '', 'Docker\'s API; "" is STATE/docker.sock.'),
    snapshotter: leaf(text, 'overlayfs', "For containers made through Docker's API: overlayfs or native."),
    runtime: leaf(text, defaultRuntime, "For containers made through Docker's API."),
    insecure_registries: leaf(
      texts,
      [],
      'Registries (HOST[:PORT], or blocks of addresses) that may speak http or have any certificate.',
    ),
    max_layer_ratio: leaf(
      whole,
      defaultExpansion.ratio,
      'So many times its own size, and 1 GiB, a layer or an archive may have uncompressed; 0 is no limit.',
    ),
    max_layer_size: leaf(whole, defaultExpansion.size, 'Bytes that a layer may have uncompressed; 0 is no limit.'),
    listen: branch('More sockets with the same APIs.', {
      grpc: leaf(paths, [], 'As grpc.address, each with a ".ttrpc" beside it.'),
      docker: leaf(paths, [], 'As docker_address.'),
    }),
  }),
});
