/** Field masks of update requests: which fields of a record the request replaces. */
import type { Labels } from '#/base/any.ts';
import { EngineError } from '#/base/errors.ts';

/** What a mask says of the fields it may name. */
export interface FieldMask {
  /** Whether a plain field is to be replaced, whole. */
  replaces(field: string): boolean;
  /** A map after the update: replaced, changed key by key, or as it was. */
  apply<V>(field: string, stored: Readonly<Record<string, V>>, given: Readonly<Record<string, V>>): Record<string, V>;
}

/**
 * Checks the paths of a mask: each is a field, or a field that is a map, a dot, and a key with dots of its own. No paths
 * mean all of `fields` and `maps`. Throws `invalid-argument` for any other path.
 */
export function parseFieldMask(
  paths: readonly string[],
  { fields, maps }: { readonly fields: readonly string[]; readonly maps: readonly string[] },
): FieldMask {
  const chosen = paths.length === 0 ? [...fields, ...maps] : paths;
  for (const path of chosen) {
    const [map, key] = splitPath(path);
    if (fields.includes(path) || maps.includes(path) || (maps.includes(map) && key !== '')) continue;
    throw new EngineError(
      'invalid-argument',
      `Cannot update field "${path.slice(0, 200)}": only ${[...fields, ...maps].join(', ')} can be changed`,
    );
  }
  const whole = new Set(chosen);
  return {
    replaces: (field) => whole.has(field),
    apply: (field, stored, given) => {
      if (whole.has(field)) return { ...given };
      const keys = chosen.map(splitPath).flatMap(([map, key]) => (map === field ? [key] : []));
      return { ...withoutKeys(stored, keys), ...onlyKeys(given, keys) };
    },
  };
}

/** Labels after an update: one that is given an empty value is deleted. */
export function applyLabels(mask: FieldMask, stored: Labels, given: Labels, field = 'labels'): Labels {
  const applied = mask.apply(field, stored, given);
  return Object.fromEntries(Object.entries(applied).filter(([, value]) => value !== ''));
}

function splitPath(path: string): readonly [string, string] {
  const dot = path.indexOf('.');
  return dot === -1 ? [path, ''] : [path.slice(0, dot), path.slice(dot + 1)];
}

function withoutKeys<V>(map: Readonly<Record<string, V>>, keys: readonly string[]): Record<string, V> {
  return Object.fromEntries(Object.entries(map).filter(([key]) => !keys.includes(key)));
}

function onlyKeys<V>(map: Readonly<Record<string, V>>, keys: readonly string[]): Record<string, V> {
  return Object.fromEntries(Object.entries(map).filter(([key]) => keys.includes(key)));
}
