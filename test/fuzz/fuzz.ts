/**
 * Feeds a reader with inputs that grow out of right ones. An input whose answer is of a new kind joins those from which
 * the next ones are made, so that rare branches are reached and then searched.
 */
import { EngineError } from '#/base/errors.ts';
import { createRandom } from '../support/random.ts';
import { mutate } from './mutate.ts';
import type { FuzzTarget } from './target.ts';
import { openWatchdog } from './watchdog.ts';

export interface Effort {
  readonly seed: number;
  /** Inputs at least. */
  readonly runs: number;
  /** And on for so long. */
  readonly milliseconds: number;
}

export interface Fuzzed {
  readonly runs: number;
  /** Kinds of answers that were met. */
  readonly kinds: number;
}

const largestPool = 2000;

/** Throws at the first find, with the input in the message. */
export async function fuzz(target: FuzzTarget, { seed, runs, milliseconds }: Effort): Promise<Fuzzed> {
  const random = createRandom(seed);
  const pool: Buffer[] = target.seeds.map((text) => Buffer.from(text as string));
  const words = (target.words ?? []).map((word) => Buffer.from(word, 'latin1'));
  const met = new Set<string>();
  using watchdog = openWatchdog(target.name);
  const deadline = performance.now() + milliseconds;
  let count = 0;
  for (; count < runs || performance.now() < deadline; count++) {
    // The seeds as they are come first: a reader that refuses them all is not being tested.
    const input = pool[count] !== undefined && count < target.seeds.length ? pool[count] : undefined;
    const next = input ?? mutate(random.pick(pool) ?? Buffer.alloc(0), { random, pool, words });
    watchdog.watch(next);
    const kind = await answerTo(target, next, () => target.run(next, random));
    if (!met.has(kind) && pool.length < largestPool) pool.push(next);
    met.add(kind);
  }
  return { runs: count, kinds: met.size };
}

async function answerTo({ name }: FuzzTarget, input: Buffer, run: () => unknown): Promise<string> {
  try {
    return kindOfValue(await run());
  } catch (error) {
    if (error instanceof EngineError) return `${error.kind}: ${shapeOf(error.message)}`;
    throw new Error(`${name} threw ${String(error).slice(0, 500)} for the input (base64) ${input.toString('base64')}`, {
      cause: error,
    });
  }
}

/** A message without what it quotes and counts. */
const shapeOf = (message: string): string =>
  message
    .replaceAll(/"(?:[^"\\]|\\.)*"?/g, '""')
    .replaceAll(/\d+/g, '0')
    .slice(0, 200);

/** Texts are kinds of their own; of other values the shape counts. */
function kindOfValue(value: unknown): string {
  if (typeof value === 'string') return value.slice(0, 100);
  if (typeof value !== 'object' || value === null) return typeof value;
  return Object.entries(value)
    .slice(0, 20)
    .map(([key, part]) => (Array.isArray(value) ? typeof part : `${key.slice(0, 20)}:${typeof part}`))
    .join();
}
