import { isDeepStrictEqual } from 'node:util';
import { isTable, type TomlTable, type TomlValue } from '#/daemon/config/toml.ts';

/** Tables whose entries replace those of the same name as a whole. */
const wholesale: ReadonlySet<string> = new Set(['proxy_plugins', 'stream_processors', 'timeouts']);

/**
 * One document over another, both of the newest version, as containerd merges an import into what it has: a value that
 * is not empty wins, lists are joined, and below `plugins` whatever is set wins.
 */
export function mergeDocuments(base: TomlTable, over: TomlTable): TomlTable {
  const merged: Record<string, TomlValue> = { ...base };
  for (const [name, value] of Object.entries(over)) {
    const known = merged[name];
    if (name === 'plugins') merged[name] = mergeWhatIsSet(asTable(known), asTable(value));
    else if (wholesale.has(name)) merged[name] = { ...asTable(known), ...asTable(value) };
    else merged[name] = mergeWhatIsNotEmpty(known, value);
  }
  return merged;
}

function mergeWhatIsNotEmpty(known: TomlValue | undefined, value: TomlValue): TomlValue {
  if (known === undefined) return value;
  if (isTable(known) && isTable(value)) return mergeEach(known, value, mergeWhatIsNotEmpty);
  if (isList(known) && isList(value)) return joinLists(known, value);
  return value === '' || value === false || Number(value) === 0 ? known : value;
}

const mergeWhatIsSet = (known: TomlTable, value: TomlTable): TomlTable =>
  mergeEach(known, value, (mine, theirs) =>
    mine !== undefined && isTable(mine) && isTable(theirs) ? mergeWhatIsSet(mine, theirs) : theirs,
  );

function mergeEach(
  known: TomlTable,
  value: TomlTable,
  merge: (known: TomlValue | undefined, value: TomlValue) => TomlValue,
): TomlTable {
  return {
    ...known,
    ...Object.fromEntries(Object.entries(value).map(([name, item]) => [name, merge(known[name], item)])),
  };
}

function joinLists(known: readonly TomlValue[], more: readonly TomlValue[]): readonly TomlValue[] {
  return [...known, ...more.filter((item) => !known.some((mine) => isDeepStrictEqual(mine, item)))];
}

const isList = (value: TomlValue): value is readonly TomlValue[] => Array.isArray(value);

const asTable = (value: TomlValue | undefined): TomlTable => (isTable(value) ? value : {});
