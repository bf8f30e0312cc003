/** The small languages of flags that describe a container. Each throws UsageError. */
import { UsageError } from '#/cli/usage-error.ts';
import type { SpecIdMapping, SpecMount, SpecNamespace, SpecRlimit } from '#/oci/runtime-spec.ts';

/** `type=bind,src=/a,dst=/b,options=rbind:ro`; a part may stand in double quotes. */
export function readMount(word: string): SpecMount {
  const fields = new Map<string, string>();
  for (const part of splitCommas(word)) {
    const [key, value] = cut(part, '=');
    const name = mountKeys[key];
    if (name === undefined || value === undefined)
      throw new UsageError(`${JSON.stringify(part)} in "--mount" is none of type=, src=, dst= and options=`, 1);
    fields.set(name, value);
  }
  return {
    destination: fields.get('destination') ?? '',
    type: fields.get('type') ?? '',
    source: fields.get('source') ?? '',
    options: fields.get('options')?.split(':') ?? [],
  };
}

const mountKeys: Readonly<Record<string, string>> = {
  type: 'type',
  source: 'source',
  src: 'source',
  destination: 'destination',
  dst: 'destination',
  options: 'options',
};

function splitCommas(word: string): string[] {
  return [...word.matchAll(/(?:"((?:[^"]|"")*)"|([^,]*))(?:,|$)/g)]
    .map(([, quoted, plain = '']) => quoted?.replaceAll('""', '"') ?? plain)
    .filter((part) => part !== '');
}

/** Like Go's: everything after the first separator is the second part. */
export function cut(word: string, separator: string): readonly [string, string | undefined] {
  const at = word.indexOf(separator);
  return at < 0 ? [word, undefined] : [word.slice(0, at), word.slice(at + separator.length)];
}

const namespaceTypes: readonly string[] = ['pid', 'network', 'uts', 'mount', 'user', 'ipc', 'cgroup'];

/** `network:/run/netns/a`. */
export function readNamespace(word: string): SpecNamespace {
  const [type, path] = cut(word, ':');
  if (path === undefined || !namespaceTypes.includes(type))
    throw new UsageError(
      `flag "--with-ns" needs TYPE:PATH with one of ${namespaceTypes.join(', ')}, not ${JSON.stringify(word)}`,
      1,
    );
  return { type: type as SpecNamespace['type'], path };
}

/** `0:100000:65536`. */
export function readIdMapping(word: string): SpecIdMapping {
  const numbers = word.split(':').map((part) => (/^\d{1,10}$/.test(part) ? Number(part) : Number.NaN));
  const [containerID = 0, hostID = 0, size = 0] = numbers;
  if (numbers.length !== 3 || numbers.some((number) => !(number < 2 ** 32)))
    throw new UsageError(`${JSON.stringify(word)} maps no ids: expected container-id:host-id:count`, 1);
  return { containerID, hostID, size };
}

/** `1024` or `1024:4096`. */
export function readRlimit(word: string): SpecRlimit {
  const [soft, hard = soft] = cut(word, ':');
  if (!/^\d{1,15}$/.test(soft) || !/^\d{1,15}$/.test(hard))
    throw new UsageError(`flag "--rlimit-nofile" needs SOFT or SOFT:HARD, not ${JSON.stringify(word)}`, 1);
  return { type: 'RLIMIT_NOFILE', hard: Number(hard), soft: Number(soft) };
}

/** `KEY=VALUE`, nothing less. */
export function readAnnotations(words: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    words.map((word): [string, string] => {
      const [key, value] = cut(word, '=');
      if (value === undefined)
        throw new UsageError(`flag "--annotation" needs KEY=VALUE, not ${JSON.stringify(word)}`, 1);
      return [key, value];
    }),
  );
}

/** Overrides replace their names, keep their places, and take away where they have no value. */
export function mergeVariables(defaults: readonly string[], overrides: readonly string[]): string[] {
  const merged = new Map(defaults.map((entry) => [cut(entry, '=')[0], entry]));
  for (const entry of overrides) {
    const [name, value] = cut(entry, '=');
    if (value === undefined) merged.delete(name);
    else merged.set(name, entry);
  }
  return [...merged.values()];
}
