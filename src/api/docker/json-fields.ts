import { EngineError } from '#/base/errors.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Null, zero, false and whatever holds only such values: what clients send for "not set". */
export function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined || value === '' || value === 0 || value === false) return true;
  if (Array.isArray(value)) return value.every(isEmpty);
  return isJsonObject(value) && Object.values(value).every(isEmpty);
}

function refuse(path: string, expected: string, value: unknown): never {
  throw new EngineError(
    'invalid-argument',
    `Cannot read the request: ${path} should be ${expected}, not ${JSON.stringify(value)?.slice(0, 100)}`,
  );
}

/**
 * Reads the members of an object from outside, each by its type; what is absent or null gets the empty value of that
 * type. A member that nobody read and that is not empty is refused by `refuseRest`, so no option is ignored.
 */
export class Fields {
  readonly #object: JsonObject;
  readonly #path: string;
  readonly #seen = new Set<string>();

  constructor(value: unknown, path: string) {
    if (value !== undefined && value !== null && !isJsonObject(value)) refuse(path, 'an object', value);
    this.#object = value ?? {};
    this.#path = path;
  }

  raw(name: string): unknown {
    this.#seen.add(name);
    const value = this.#object[name];
    return value === null ? undefined : value;
  }

  has(name: string): boolean {
    return this.#object[name] !== undefined && this.#object[name] !== null;
  }

  text(name: string): string {
    const value = this.raw(name) ?? '';
    if (typeof value !== 'string') refuse(`${this.#path}.${name}`, 'a text', value);
    if (value.includes('\0')) refuse(`${this.#path}.${name}`, 'a text without NUL characters', value);
    return value;
  }

  flag(name: string): boolean {
    const value = this.raw(name) ?? false;
    if (typeof value !== 'boolean') refuse(`${this.#path}.${name}`, 'true or false', value);
    return value;
  }

  number(name: string, whenAbsent = 0): number {
    const value = this.raw(name) ?? whenAbsent;
    if (typeof value !== 'number' || !Number.isFinite(value)) refuse(`${this.#path}.${name}`, 'a number', value);
    return value;
  }

  texts(name: string): string[] {
    return this.optionalTexts(name) ?? [];
  }

  /** A list, a single text (older clients), or undefined. */
  optionalTexts(name: string): string[] | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    const list: readonly unknown[] = Array.isArray(value) ? value : [value];
    return list.map((entry) => {
      if (typeof entry !== 'string' || entry.includes('\0')) refuse(`${this.#path}.${name}`, 'a list of texts', value);
      return entry;
    });
  }

  textMap(name: string): Record<string, string> {
    const value = this.raw(name) ?? {};
    if (!isJsonObject(value)) refuse(`${this.#path}.${name}`, 'an object of texts', value);
    for (const entry of Object.values(value))
      if (typeof entry !== 'string') refuse(`${this.#path}.${name}`, 'an object of texts', value);
    return value as Record<string, string>;
  }

  objectMap(name: string): Record<string, object> {
    const value = this.raw(name) ?? {};
    if (!isJsonObject(value)) refuse(`${this.#path}.${name}`, 'an object', value);
    return value as Record<string, object>;
  }

  objects(name: string): Fields[] {
    const value = this.raw(name) ?? [];
    if (!Array.isArray(value)) refuse(`${this.#path}.${name}`, 'a list', value);
    return value.map((entry, at) => new Fields(entry, `${this.#path}.${name}[${at}]`));
  }

  object(name: string): Fields {
    return new Fields(this.raw(name), `${this.#path}.${name}`);
  }

  /** Call last: names the first member that was set but that nobody read, in words where `words` has some for it. */
  refuseRest(words: Readonly<Record<string, string>> = {}): void {
    for (const [name, value] of Object.entries(this.#object)) {
      if (this.#seen.has(name) || isEmpty(value)) continue;
      const what = words[name] ?? `${this.#path}.${name}`;
      throw new EngineError('unimplemented', `Cannot do what the request asks: berth has no ${what} yet`);
    }
  }
}
