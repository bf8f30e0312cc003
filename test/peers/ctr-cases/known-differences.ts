/** Differences that several cases meet. */
import type { Difference } from './contract.ts';

export const noRuntime: Difference = {
  why: 'a runtime that is not installed is "not found", a kind that clients can tell',
  pattern: /^stderr: ctr: (…: (not found|unknown)|failed to resolve runtime path: .*|runtime ".*)$/gm,
};
