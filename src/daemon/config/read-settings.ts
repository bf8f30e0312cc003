import { isDeepStrictEqual } from 'node:util';
import { nearestName } from '#/daemon/config/nearest-name.ts';
import { mistake } from '#/daemon/config/parsers.ts';
import { EngineError } from '#/base/errors.ts';
import { schemaTree, type Settings } from '#/daemon/config/schema-tree.ts';
import type { Branch, Known, Names, Node } from '#/daemon/config/schema.ts';
import { formatKey, isTable, type TomlTable, type TomlValue } from '#/daemon/config/toml.ts';

/** What is to be said about a configuration that was read. Keys are in full. */
export interface Findings {
  /** Neither berth nor containerd knows them. */
  readonly unknown: readonly { readonly key: string; readonly nearest?: string }[];
  /** containerd knows them, berth does not follow them, and they ask for something. */
  readonly notFollowed: readonly string[];
  /** The same, but they only repeat containerd's default. */
  readonly repeated: readonly string[];
}

export interface ReadSettings {
  readonly settings: Settings;
  readonly findings: Findings;
}

/** Reads a document of the newest version. Throws `invalid-argument` with the key for what cannot be. */
export function readSettings(document: TomlTable): ReadSettings {
  const reader = new Reader();
  const settings = reader.read(schemaTree, document, []) as Settings;
  return { settings, findings: reader };
}

class Reader implements Findings {
  readonly unknown: { key: string; nearest?: string }[] = [];
  readonly notFollowed: string[] = [];
  readonly repeated: string[] = [];

  read(node: Node, value: TomlValue | undefined, path: readonly string[]): unknown {
    switch (node.kind) {
      case 'leaf':
        return node.parse(value ?? node.preset, formatKey(path));
      case 'known':
        return this.#note(node, value, path);
      case 'refused':
        if (value === undefined || value === '' || isDeepStrictEqual(value, node.preset)) return undefined;
        throw new EngineError('invalid-argument', `Cannot follow ${formatKey(path)} of the configuration: ${node.why}`);
      case 'branch':
        return this.#branch(node, asTable(value, path), path);
      case 'names':
        return this.#names(node as Names<Node>, asTable(value, path), path);
    }
  }

  #note({ preset }: Known, value: TomlValue | undefined, path: readonly string[]): undefined {
    if (value === undefined || (isTable(value) && Object.keys(value).length === 0)) return;
    const asksNothing = isDeepStrictEqual(value, preset) || (isEmpty(preset) && isEmpty(value));
    (asksNothing ? this.repeated : this.notFollowed).push(formatKey(path));
  }

  #branch({ children }: Branch, table: TomlTable, path: readonly string[]): Readonly<Record<string, unknown>> {
    for (const name of Object.keys(table)) {
      if (Object.hasOwn(children, name)) continue;
      const nearest = nearestName(name, Object.keys(children));
      this.unknown.push({
        key: formatKey([...path, name]),
        ...(nearest === undefined ? {} : { nearest: formatKey([...path, nearest]) }),
      });
    }
    return Object.fromEntries(
      Object.entries(children).map(([name, child]) => [name, this.read(child, table[name], [...path, name])]),
    );
  }

  #names({ each, preset }: Names<Node>, table: TomlTable, path: readonly string[]): Readonly<Record<string, unknown>> {
    const entries = Object.entries({ ...preset, ...table });
    return Object.fromEntries(entries.map(([name, value]) => [name, this.read(each, value, [...path, name])]));
  }
}

function asTable(value: TomlValue | undefined, path: readonly string[]): TomlTable {
  if (value === undefined) return {};
  return isTable(value) ? value : mistake(formatKey(path), 'a table', value);
}

/** containerd takes these for "not set". */
function isEmpty(value: TomlValue | undefined): boolean {
  if (value === undefined || value === '' || value === false || Number(value) === 0) return true;
  if (typeof value !== 'object' || value instanceof Date) return false;
  return Object.values(value).every((item: TomlValue) => isEmpty(item));
}
