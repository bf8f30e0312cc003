import type { Labels } from '#/base/any.ts';
import { EngineError } from '#/base/errors.ts';

const longest = 4096;

/** Checks that each key with its value fits in 4096 bytes. Throws `invalid-argument`. */
export function checkLabels(what: string, labels: Labels): Labels {
  for (const [key, value] of Object.entries(labels))
    if (Buffer.byteLength(key) + Buffer.byteLength(value) > longest)
      throw new EngineError(
        'invalid-argument',
        `Cannot label ${what}: label "${key.slice(0, 64)}" and its value are longer than ${longest} bytes`,
      );
  return labels;
}
