import type { IncomingMessage } from 'node:http';
import { EngineError } from '#/base/errors.ts';
import type { Labels } from '#/base/any.ts';
import type { Engine } from '#/engine/open-engine.ts';
import type { DaemonFacts } from '#/api/docker/daemon-facts.ts';
import type { Answer } from '#/api/docker/answer.ts';

/** One request to Docker's API, its edge checks done. */
export interface Call {
  readonly engine: Engine;
  readonly facts: DaemonFacts;
  readonly namespace: string;
  readonly request: IncomingMessage;
  readonly answer: Answer;
  /** The path's captured parts, decoded. */
  readonly path: readonly string[];
  readonly query: URLSearchParams;
  /** The minor number of the API version that the client speaks: 51 of 1.51. */
  readonly minor: number;
  /** Aborts when the client goes away. */
  readonly signal: AbortSignal;
}

export type Handler = (call: Call) => Promise<void>;

export interface Route {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  readonly pattern: RegExp;
  readonly handle: Handler;
}

/** `1`, `true`, `True`; everything else but absence of a value is false, as Docker reads flags. */
export function queryFlag(query: URLSearchParams, name: string, whenAbsent = false): boolean {
  const value = query.get(name);
  if (value === null) return whenAbsent;
  return !['', '0', 'no', 'false', 'none'].includes(value.trim().toLowerCase());
}

export function queryNumber(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name);
  if (value === null || value === '') return undefined;
  if (/^-?\d{1,15}$/.test(value)) return Number(value);
  throw new EngineError(
    'invalid-argument',
    `Cannot read the request: "${name}" should be a number, not ${JSON.stringify(value)}`,
  );
}

const filterLimit = 64 * 1024;

/** `filters={"label":["a"]}`, or the older `{"label":{"a":true}}`. Names that `known` lacks are refused. */
export function queryFilters(query: URLSearchParams, known: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const text = query.get('filters') ?? '';
  if (text === '') return new Map();
  if (text.length > filterLimit)
    throw new EngineError('invalid-argument', 'Cannot read the request: "filters" is too long');
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new EngineError('invalid-argument', 'Cannot read the request: "filters" is not JSON', { cause });
  }
  const filters = new Map<string, readonly string[]>();
  for (const [name, values] of Object.entries((parsed ?? {}) as Record<string, unknown>)) {
    if (!known.includes(name))
      throw new EngineError(
        'invalid-argument',
        `invalid filter '${name}': this list can be filtered by ${known.join(', ')}`,
      );
    const list = Array.isArray(values) ? values : Object.keys(values ?? {});
    filters.set(name, list.map(String));
  }
  return filters;
}

/** `label=k` or `label=k=v`: all of them must hold. */
export function matchesLabels(labels: Labels, wanted: readonly string[] | undefined): boolean {
  return (wanted ?? []).every((text) => {
    const [name = '', ...value] = text.split('=');
    return name in labels && (value.length === 0 || labels[name] === value.join('='));
  });
}
