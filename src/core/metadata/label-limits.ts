import type { Labels } from '#/base/any.ts';
import { EngineError } from '#/base/errors.ts';

/** containerd's limit for a label's key and value together, in bytes. */
const largestLabel = 4096;

/**
 * The labels to be stored: one without a value is none. Throws `invalid-argument` naming the first label of `what` that is
 * too large, or has no key.
 */
export function checkLabels(what: string, labels: Labels): Labels {
  for (const [key, value] of Object.entries(labels)) {
    if (key === '') throw new EngineError('invalid-argument', `Cannot label ${what}: a label has no key`);
    const size = Buffer.byteLength(key) + Buffer.byteLength(value);
    if (size <= largestLabel) continue;
    const shown = key.length > 64 ? `${key.slice(0, 64)}…` : key;
    throw new EngineError(
      'invalid-argument',
      `Cannot label ${what}: label "${shown}" is too large: its key and value are ${size} bytes, and at most ${largestLabel} are allowed`,
    );
  }
  return Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== ''));
}
