import { randomBytes } from 'node:crypto';

/** 64 hex digits, as Docker and nerdctl name containers. Not all digits in its first twelve, so it is never a number. */
export function newContainerId(): string {
  for (;;) {
    const id = randomBytes(32).toString('hex');
    if (/[a-f]/.test(id.slice(0, 12))) return id;
  }
}

/** A short random word for temporary names. */
export function newToken(bytes = 8): string {
  return randomBytes(bytes).toString('hex');
}
