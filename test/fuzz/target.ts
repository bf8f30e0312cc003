/** What is fuzzed: one reader of bytes from outside. */
import type { Random } from '../support/random.ts';

export interface FuzzTarget {
  /** The reader's name, as a test's title has it. */
  readonly name: string;
  /** Inputs that are right, or nearly so, for mutation to start from. */
  readonly seeds: readonly (string | Uint8Array)[];
  /** Pieces of the input's language, to be put in anywhere. */
  readonly words?: readonly string[];
  /**
   * Reads one input. An `EngineError` is an answer as good as any; whatever else is thrown is a find, and so is an input
   * that never comes to an end. What is returned tells kinds of answers apart: an input with a new one is kept.
   */
  run(input: Buffer, random: Random): unknown;
}
