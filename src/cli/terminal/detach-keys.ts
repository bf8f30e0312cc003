import { UsageError } from '#/cli/usage-error.ts';

export const defaultDetachKeys = 'ctrl-p,ctrl-q';
const mostKeys = 16;

/** Reads `ctrl-p,ctrl-q` or `a,b`: the bytes that let go of a container. Throws UsageError. */
export function parseDetachKeys(words: string): Buffer {
  const keys = words.split(',').map((word) => keyByte(word));
  if (keys.length > mostKeys) throw new UsageError(`flag "--detach-keys" takes at most ${mostKeys} keys`);
  return Buffer.from(keys);
}

function keyByte(word: string): number {
  const [, control] = /^ctrl-([a-z@[\\\]^_])$/i.exec(word) ?? [];
  if (control !== undefined) return control.toUpperCase().charCodeAt(0) & 0x1f;
  if (/^[\x20-\x7e]$/.test(word)) return word.charCodeAt(0);
  throw new UsageError(`flag "--detach-keys" does not know ${JSON.stringify(word)}: expected a letter or ctrl-LETTER`);
}

export interface Scanned {
  /** What may be sent on. */
  readonly forward: Buffer;
  readonly detached: boolean;
}

/** Looks for the keys in what is typed. A beginning of them is held back until it is clear that it is none. */
export class DetachScanner {
  readonly #keys: Buffer;
  #matched = 0;

  constructor(keys: Buffer) {
    this.#keys = keys;
  }

  push(typed: Buffer): Scanned {
    const forward: number[] = [];
    for (const byte of typed) {
      if (byte === this.#keys[this.#matched]) {
        this.#matched++;
        if (this.#matched === this.#keys.length) return { forward: Buffer.from(forward), detached: true };
        continue;
      }
      forward.push(...this.#keys.subarray(0, this.#matched));
      this.#matched = byte === this.#keys[0] ? 1 : 0;
      if (this.#matched === 0) forward.push(byte);
    }
    return { forward: Buffer.from(forward), detached: false };
  }
}
