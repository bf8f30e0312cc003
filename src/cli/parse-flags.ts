import type { FlagSpec, FlagSpecs } from '#/cli/flags.ts';
import { suggest } from '#/cli/suggest.ts';
import { UsageError } from '#/cli/usage-error.ts';

export type FlagValue = boolean | string | number | readonly string[] | undefined;

export interface ParsedFlags {
  readonly values: Readonly<Record<string, FlagValue>>;
  /** The names that were given, as opposed to left at their defaults. */
  readonly given: ReadonlySet<string>;
  readonly rest: readonly string[];
}

export interface ParseOptions {
  /** Stop at the first argument that is no flag: what follows belongs to somebody else. */
  readonly stopAtFirst: boolean;
  /** One dash and two mean the same, as Go's own flags have it: `-name x`, `--n x`. Letters may still be joined. */
  readonly goDashes?: boolean;
}

/** Reads `--name=value`, `--name value`, `-abc`, `-e K=V`, `-eK=V`; `--` ends the flags. Throws UsageError. */
export function parseFlags(words: readonly string[], specs: FlagSpecs, options: ParseOptions): ParsedFlags {
  const state = new FlagState(specs);
  const rest: string[] = [];
  const queue = [...words];
  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    if (word === '--') {
      rest.push(...queue);
      break;
    }
    if (word === '-' || !word.startsWith('-')) {
      rest.push(word);
      if (!options.stopAtFirst) continue;
      rest.push(...queue);
      break;
    }
    const written = options.goDashes === true ? withOrdinaryDashes(word, specs) : word;
    if (written.startsWith('--')) parseLong(state, written, queue);
    else parseShorts(state, written, queue);
  }
  return { values: state.finish(), given: state.given, rest };
}

function withOrdinaryDashes(word: string, specs: FlagSpecs): string {
  const bare = word.replace(/^--?/, '');
  const [name = ''] = bare.split('=', 1);
  if (Object.hasOwn(specs, name)) return `--${bare}`;
  return name.length === 1 ? `-${bare}` : word;
}

function parseLong(state: FlagState, word: string, queue: string[]): void {
  const equals = word.indexOf('=');
  const name = equals < 0 ? word.slice(2) : word.slice(2, equals);
  const spec = state.specs[name];
  if (spec === undefined || !Object.hasOwn(state.specs, name)) throw unknownFlag(`--${name}`, state.specs);
  if (equals >= 0) return state.set(name, spec, word.slice(equals + 1));
  if (spec.kind === 'boolean') return state.set(name, spec, 'true');
  return state.set(name, spec, nextWord(`--${name}`, queue));
}

function parseShorts(state: FlagState, word: string, queue: string[]): void {
  for (let at = 1; at < word.length; at++) {
    const letter = word.charAt(at);
    const found = Object.entries(state.specs).find(([, spec]) => spec.short === letter);
    if (found === undefined) throw unknownFlag(word.length === 2 ? word : `-${letter}" in "${word}`, state.specs);
    const [name, spec] = found;
    const tail = word.slice(at + 1);
    if (spec.kind === 'boolean' && !tail.startsWith('=')) {
      state.set(name, spec, 'true');
      continue;
    }
    const value = tail.startsWith('=') ? tail.slice(1) : tail;
    state.set(name, spec, tail === '' ? nextWord(`-${letter}`, queue) : value);
    return;
  }
}

function nextWord(flag: string, queue: string[]): string {
  const value = queue.shift();
  if (value === undefined) throw new UsageError(`flag "${flag}" needs a value`);
  return value;
}

function unknownFlag(shown: string, specs: FlagSpecs): UsageError {
  const names = Object.keys(specs).map((name) => `--${name}`);
  const near = shown.startsWith('--') ? suggest(shown, names) : undefined;
  return new UsageError(`unknown flag "${shown}"${near === undefined ? '' : `; did you mean "${near}"?`}`);
}

const truths: Readonly<Record<string, boolean>> = {
  true: true,
  t: true,
  '1': true,
  false: false,
  f: false,
  '0': false,
};

class FlagState {
  readonly specs: FlagSpecs;
  readonly given = new Set<string>();
  readonly #values: Record<string, FlagValue> = {};

  constructor(specs: FlagSpecs) {
    this.specs = specs;
  }

  set(name: string, spec: FlagSpec, value: string): void {
    this.given.add(name);
    switch (spec.kind) {
      case 'boolean': {
        const truth = truths[value.toLowerCase()];
        if (truth === undefined)
          throw new UsageError(`flag "--${name}" is true or false, not ${JSON.stringify(value)}`);
        this.#values[name] = truth;
        return;
      }
      case 'number':
        if (!/^[+-]?[0-9]{1,15}$/.test(value))
          throw new UsageError(`flag "--${name}" needs a whole number, not ${JSON.stringify(value)}`);
        this.#values[name] = Number(value);
        return;
      case 'text':
        this.#values[name] = value;
        return;
      case 'list': {
        const earlier = this.#values[name];
        this.#values[name] = Array.isArray(earlier) ? [...(earlier as readonly string[]), value] : [value];
      }
    }
  }

  finish(): Readonly<Record<string, FlagValue>> {
    const values: Record<string, FlagValue> = {};
    for (const [name, spec] of Object.entries(this.specs)) {
      const unset = spec.kind === 'boolean' ? false : spec.kind === 'list' ? [] : undefined;
      values[name] = this.#values[name] ?? unset;
    }
    return values;
  }
}
