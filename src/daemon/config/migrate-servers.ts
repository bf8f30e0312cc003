import { isTable, omitKeys, pickKeys, tableAt, type TomlTable, type TomlValue } from '#/daemon/config/toml.ts';

const places = ['address', 'uid', 'gid'];
const sizes = ['max_recv_message_size', 'max_send_message_size'];

/**
 * Version 4 made plugins of `[grpc]`, `[ttrpc]`, `[metrics]` and of what `[debug]` says about its socket. Where a plugin
 * is there already, the old table counts for nothing.
 */
export function migrateServers(document: TomlTable): TomlTable {
  const [grpc, metrics, debug] = (['grpc', 'metrics', 'debug'] as const).map((name) => tableAt(document, name)) as [
    TomlTable,
    TomlTable,
    TomlTable,
  ];
  const tcp = Object.keys(grpc).filter((name) => name.startsWith('tcp_'));
  const moved = {
    'io.containerd.server.v1.grpc': omitKeys(grpc, tcp),
    'io.containerd.server.v1.grpc-tcp': tcpOf(pickKeys(grpc, [...tcp, ...sizes])),
    'io.containerd.server.v1.ttrpc': ttrpcOf(grpc, tableAt(document, 'ttrpc')),
    'io.containerd.server.v1.debug': isSet(debug['address']) ? pickKeys(debug, places) : {},
    'io.containerd.server.v1.metrics': omitKeys(metrics, ['grpc_histogram']),
    'io.containerd.metrics.v1.grpc-prometheus': pickKeys(metrics, ['grpc_histogram']),
  };
  const plugins = { ...withoutEmpty(moved), ...tableAt(document, 'plugins') };
  return {
    ...omitTables(document, ['grpc', 'ttrpc', 'metrics', 'debug', 'plugins']),
    ...withoutEmpty({ debug: omitKeys(debug, places), plugins }),
  };
}

function tcpOf(grpc: TomlTable): TomlTable {
  if (!isSet(grpc['tcp_address'])) return {};
  return Object.fromEntries(Object.entries(grpc).map(([name, value]) => [name.replace(/^tcp_/, ''), value]));
}

/** Shims' socket goes with the gRPC socket unless it is put elsewhere, and then it has the same owners. */
function ttrpcOf(grpc: TomlTable, ttrpc: TomlTable): TomlTable {
  if (isSet(ttrpc['address'])) return ttrpc;
  const owners = ['uid', 'gid'].flatMap((name): [string, TomlValue][] => {
    const value = isSet(ttrpc[name]) ? ttrpc[name] : grpc[name];
    return value === undefined ? [] : [[name, value]];
  });
  return { ...omitKeys(ttrpc, places), ...Object.fromEntries(owners) };
}

const isSet = (value: TomlValue | undefined): boolean => value !== undefined && value !== '' && Number(value) !== 0;

const withoutEmpty = (tables: Readonly<Record<string, TomlTable>>): TomlTable =>
  Object.fromEntries(Object.entries(tables).filter(([, table]) => Object.keys(table).length > 0));

/** What has the name and is no table stays, so that reading can complain of it. */
const omitTables = (document: TomlTable, names: readonly string[]): TomlTable =>
  Object.fromEntries(Object.entries(document).filter(([name, value]) => !names.includes(name) || !isTable(value)));
