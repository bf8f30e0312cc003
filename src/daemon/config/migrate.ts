import { EngineError } from '#/base/errors.ts';
import { migrateCri } from '#/daemon/config/migrate-cri.ts';
import { migrateServers } from '#/daemon/config/migrate-servers.ts';
import { mistake } from '#/daemon/config/parsers.ts';
import { newestVersion } from '#/daemon/config/schema-tree.ts';
import { isTable, tableAt, type TomlTable, type TomlValue } from '#/daemon/config/toml.ts';

/**
 * Brings a document of any of containerd's versions to the newest: 1 (and none) had short names for plugins, 3 renamed
 * some and split Kubernetes' part, 4 made plugins of the places where the daemon listens. The input stays as it is.
 */
export function migrate(document: TomlTable): TomlTable {
  let version = versionOf(document);
  let migrated = document;
  if (version === 1) migrated = nameInFull(migrated);
  if (version <= 3) migrated = renamePlugins(migrated);
  if (version <= 3) migrated = migrateServers(migrated);
  version = newestVersion;
  return { ...migrated, version };
}

/** A file that does not say is of version 1. */
export function versionOf({ version = 1 }: TomlTable): number {
  const number = Number(version);
  if (typeof version !== 'string' && Number.isInteger(number) && number >= 0 && number <= newestVersion)
    return Math.max(1, number);
  throw new EngineError(
    'invalid-argument',
    `Cannot use configuration version ${JSON.stringify(typeof version === 'bigint' ? Number(version) : version)}: berth reads containerd's versions up to ${newestVersion}`,
  );
}

const shortNames: Readonly<Record<string, string>> = {
  cri: 'io.containerd.grpc.v1.cri',
  cgroups: 'io.containerd.monitor.v1.cgroups',
  linux: 'io.containerd.runtime.v1.linux',
  scheduler: 'io.containerd.gc.v1.scheduler',
  bolt: 'io.containerd.metadata.v1.bolt',
  task: 'io.containerd.runtime.v2.task',
  opt: 'io.containerd.internal.v1.opt',
  restart: 'io.containerd.internal.v1.restart',
  tracing: 'io.containerd.internal.v1.tracing',
  otlp: 'io.containerd.tracing.processor.v1.otlp',
  aufs: 'io.containerd.snapshotter.v1.aufs',
  btrfs: 'io.containerd.snapshotter.v1.btrfs',
  devmapper: 'io.containerd.snapshotter.v1.devmapper',
  native: 'io.containerd.snapshotter.v1.native',
  overlayfs: 'io.containerd.snapshotter.v1.overlayfs',
  zfs: 'io.containerd.snapshotter.v1.zfs',
};

function fullName(name: string): string {
  if (name.includes('.')) return name;
  return shortNames[name] ?? `io.containerd.${name.endsWith('-service') ? 'service' : 'grpc'}.v1.${name}`;
}

function nameInFull(document: TomlTable): TomlTable {
  const lists = ['disabled_plugins', 'required_plugins'].flatMap((key): [string, TomlValue][] => {
    const list = document[key];
    return Array.isArray(list) ? [[key, list.map((name) => (typeof name === 'string' ? fullName(name) : name))]] : [];
  });
  const plugins = Object.entries(pluginsOf(document)).map(([name, value]) => [fullName(name), value] as const);
  return withPlugins({ ...document, ...Object.fromEntries(lists) }, Object.fromEntries(plugins));
}

const renamed: Readonly<Record<string, string>> = {
  'io.containerd.internal.v1.restart': 'io.containerd.monitor.container.v1.restart',
  'io.containerd.monitor.v1.cgroups': 'io.containerd.monitor.task.v1.cgroups',
};

/** Version 3 did this; containerd does it to files that say 3 as well, so that mixed ones work. */
function renamePlugins(document: TomlTable): TomlTable {
  const plugins = Object.entries(pluginsOf(document)).map(([name, value]) => [renamed[name] ?? name, value] as const);
  return withPlugins(document, migrateShims(migrateCri(Object.fromEntries(plugins))));
}

/** Core scheduling moved into the environment of shims. */
function migrateShims(plugins: TomlTable): TomlTable {
  const [tasks, shims] = ['io.containerd.runtime.v2.task', 'io.containerd.shim.v1.manager'] as const;
  const { sched_core: scheduled, ...rest } = tableAt(plugins, tasks);
  if (scheduled === undefined) return plugins;
  const env = scheduled === true ? { [shims]: { env: ['SCHED_CORE=1'], ...tableAt(plugins, shims) } } : {};
  return { ...plugins, [tasks]: rest, ...env };
}

function pluginsOf({ plugins = {} }: TomlTable): TomlTable {
  return isTable(plugins) ? plugins : mistake('plugins', 'a table', plugins);
}

const withPlugins = (document: TomlTable, plugins: TomlTable): TomlTable =>
  document['plugins'] === undefined && Object.keys(plugins).length === 0 ? document : { ...document, plugins };
