/** Holds two transcripts of a case against each other, but for the differences that are known. */
import assert from 'node:assert/strict';
import type { Difference } from './contract.ts';

export interface Pair {
  readonly real: string;
  readonly berth: string;
}

export const areAlike = (differs: readonly Difference[], pair: Pair): boolean =>
  withoutKnown(differs, pair.real) === withoutKnown(differs, pair.berth);

const withoutKnown = (differs: readonly Difference[], text: string): string =>
  differs.reduce((left, { pattern }) => left.replaceAll(pattern, ''), text);

/** A difference that is known must be there, so that the table tells what is so. */
export function assertAlike(differs: readonly Difference[], { real, berth }: Pair): void {
  assert.equal(withoutKnown(differs, berth), withoutKnown(differs, real));
  for (const { why, pattern } of differs) {
    const found = [real, berth].map((text) => JSON.stringify(text.match(pattern)));
    assert.notEqual(found[0], found[1], `no longer so, take it out of the table: ${why}`);
  }
}
