import { stringify } from 'smol-toml';
import type { DaemonConfig } from '#/daemon/config/daemon-config.ts';
import { newestVersion, schemaTree } from '#/daemon/config/schema-tree.ts';
import type { Branch, Leaf, Names, Node } from '#/daemon/config/schema.ts';
import { formatKey, isTable, tableAt, type TomlTable, type TomlValue } from '#/daemon/config/toml.ts';

/**
 * A configuration as a file that berthd takes: every key that it follows, with what it is for, and the value of the
 * document or, where that says nothing, the default. `notFollowed` keys are told of at the end.
 */
export function formatConfig(document: TomlTable, notFollowed: readonly string[] = []): string {
  const lines = [
    `# berthd reads containerd's configuration, versions 1 to ${newestVersion}, and a section [berth] of its own.`,
    ...formatBranch(schemaTree, document, []),
  ];
  if (notFollowed.length > 0)
    lines.push('', '# Set, known to containerd, and not followed by berth:', ...notFollowed.map((key) => `#   ${key}`));
  return `${lines.join('\n')}\n`;
}

function formatBranch({ doc, children }: Branch, table: TomlTable, path: readonly string[]): string[] {
  const leaves = Object.entries(children).flatMap(([name, child]) =>
    child.kind === 'leaf' ? formatLeaf(name, child, table[name]) : [],
  );
  const inner = Object.entries(children).flatMap(([name, child]) =>
    formatTable(child, tableAt(table, name), [...path, name]),
  );
  if (leaves.length === 0) return inner;
  const head = path.length === 0 ? [] : ['', ...(doc === '' ? [] : [`# ${doc}`]), `[${formatKey(path)}]`];
  return [...head, ...leaves, ...inner];
}

function formatTable(node: Node, table: TomlTable, path: readonly string[]): string[] {
  if (node.kind === 'branch') return formatBranch(node, table, path);
  return node.kind === 'names' ? formatNames(node, table, path) : [];
}

function formatNames({ each, preset }: Names, table: TomlTable, path: readonly string[]): string[] {
  return Object.entries({ ...preset, ...table }).flatMap(([name, value]) =>
    isTable(value) ? formatTable(each, value, [...path, name]) : [],
  );
}

function formatLeaf(name: string, { doc, preset }: Leaf<unknown>, value: TomlValue | undefined): string[] {
  const line = formatLine(name, value ?? preset);
  return doc === '' ? [line] : [`# ${doc}`, line];
}

function formatLine(name: string, value: TomlValue): string {
  if (!isTable(value)) return stringify({ [name]: value }).trimEnd();
  const inner = Object.entries(value).map(([key, item]) => formatLine(key, item));
  return `${formatKey([name])} = {${inner.length === 0 ? '' : ` ${inner.join(', ')} `}}`;
}

/** The document with the places that follow from the command line and from each other. */
export function withPlaces(document: TomlTable, config: DaemonConfig): TomlTable {
  const at = (name: string, address: string): TomlTable => ({
    [name]: { ...tableAt(document, 'plugins', name), address },
  });
  return {
    ...document,
    root: config.root,
    state: config.state,
    debug: { ...tableAt(document, 'debug'), level: config.logLevel },
    plugins: {
      ...tableAt(document, 'plugins'),
      ...at('io.containerd.server.v1.grpc', config.address),
      ...at('io.containerd.server.v1.ttrpc', config.ttrpcAddress),
    },
    berth: { ...tableAt(document, 'berth'), docker_address: config.dockerAddress },
  };
}

/** A document in its newest form, with all that it sets and nothing else. */
export function formatMigrated(document: TomlTable, from: number): string {
  return `# Migrated from version ${from} by berthd. Comments, and files that it imports, are not carried over.\n${stringify(document)}`;
}
