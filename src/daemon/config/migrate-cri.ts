import { isTable, omitKeys, pickKeys, tableAt, type TomlTable } from '#/daemon/config/toml.ts';

const old = 'io.containerd.grpc.v1.cri';
const images = 'io.containerd.cri.v1.images';
const runtime = 'io.containerd.cri.v1.runtime';

/** Keys of version 2 that are about images, and those that stay with the streaming server; all others are the runtime's. */
const ofImages = [
  'registry',
  'image_decryption',
  'max_concurrent_downloads',
  'image_pull_progress_timeout',
  'image_pull_with_sync_fs',
  'stats_collect_period',
];
const ofContainerd = ['snapshotter', 'disable_snapshot_annotations', 'discard_unpacked_layers'];
const ofStreaming = [
  'disable_tcp_service',
  'stream_server_address',
  'stream_server_port',
  'stream_idle_timeout',
  'enable_tls_streaming',
  'x509_key_pair_streaming',
];

/**
 * Splits Kubernetes' one plugin of version 2 into the three of version 3. Where both are there, the old one wins for
 * images and the new one for the runtime, as in containerd.
 */
export function migrateCri(plugins: TomlTable): TomlTable {
  const source = plugins[old];
  if (!isTable(source)) return plugins;
  return {
    ...plugins,
    [images]: imagesOf(source, tableAt(plugins, images)),
    [runtime]: runtimeOf(source, tableAt(plugins, runtime)),
    [old]: pickKeys(source, ofStreaming),
  };
}

function imagesOf(source: TomlTable, set: TomlTable): TomlTable {
  const pinned = source['sandbox_image'] === undefined ? {} : { sandbox: source['sandbox_image'] };
  const moved = { ...set, ...pickKeys(source, ofImages), ...pickKeys(tableAt(source, 'containerd'), ofContainerd) };
  const pinnedImages = { ...tableAt(set, 'pinned_images'), ...pinned };
  return Object.keys(pinnedImages).length === 0 ? moved : { ...moved, pinned_images: pinnedImages };
}

function runtimeOf(source: TomlTable, set: TomlTable): TomlTable {
  const rest = omitKeys(source, [...ofImages, ...ofStreaming, 'sandbox_image', 'cni', 'containerd']);
  const cni = { ...cniOf(tableAt(source, 'cni')), ...tableAt(set, 'cni') };
  const containerd = { ...containerdOf(tableAt(source, 'containerd')), ...tableAt(set, 'containerd') };
  return { ...rest, ...set, ...unlessEmpty('cni', cni), ...unlessEmpty('containerd', containerd) };
}

function cniOf({ bin_dir: directory, ...rest }: TomlTable): TomlTable {
  return { ...(directory === undefined ? {} : { bin_dirs: [directory] }), ...rest };
}

function containerdOf(source: TomlTable): TomlTable {
  const { runtimes, ...rest } = omitKeys(source, ofContainerd);
  if (!isTable(runtimes)) return runtimes === undefined ? rest : { ...rest, runtimes };
  const renamed = Object.entries(runtimes).map(([name, value]) => [name, isTable(value) ? runtimeTable(value) : value]);
  return { ...rest, runtimes: Object.fromEntries(renamed) as TomlTable };
}

function runtimeTable({ sandbox_mode: mode, ...rest }: TomlTable): TomlTable {
  return mode === undefined ? rest : { sandboxer: mode, ...rest };
}

const unlessEmpty = (name: string, table: TomlTable): TomlTable =>
  Object.keys(table).length === 0 ? {} : { [name]: table };
