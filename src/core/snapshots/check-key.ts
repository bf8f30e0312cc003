import { EngineError } from '#/base/errors.ts';

const longestKey = 4096;

export function checkKey(key: string): void {
  if (key === '' || Buffer.byteLength(key) > longestKey)
    throw new EngineError(
      'invalid-argument',
      `Cannot name a snapshot "${key.slice(0, 100)}": a key has 1 to ${longestKey} bytes`,
    );
}
