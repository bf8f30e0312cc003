import { EngineError } from '#/base/errors.ts';

const defaultKeys = 'ctrl-p,ctrl-q';
const specials: Readonly<Record<string, number>> = { '@': 0, '[': 27, '\\': 28, ']': 29, '^': 30, _: 31 };

/** Reads `ctrl-p,ctrl-q` or `a,b` into the bytes that detach. Throws `invalid-argument`. */
export function detachSequence(text: string): Buffer {
  return Buffer.from((text === '' ? defaultKeys : text).split(',').map(readKey));
}

function readKey(key: string): number {
  if (key.length === 1 && key.charCodeAt(0) < 128) return key.charCodeAt(0);
  const control = /^ctrl-(.)$/i.exec(key)?.[1]?.toLowerCase();
  if (control !== undefined) {
    if (control >= 'a' && control <= 'z') return control.charCodeAt(0) - 96;
    const special = specials[control];
    if (special !== undefined) return special;
  }
  throw new EngineError(
    'invalid-argument',
    `Cannot use ${JSON.stringify(key)} as a detach key: expected a character or "ctrl-" and one`,
  );
}

export interface DetachFilter {
  /** What to pass on, and whether the sequence is complete. A part of the sequence is held back until it is decided. */
  push(data: Uint8Array): { readonly pass: Buffer; readonly detached: boolean };
}

/** Looks for the sequence in what a person types. */
export function detachFilter(sequence: Uint8Array): DetachFilter {
  let matched = 0;
  return {
    push: (data) => {
      const pass: number[] = [];
      for (const byte of data) {
        if (byte === sequence[matched]) {
          matched += 1;
          if (matched === sequence.length) return { pass: Buffer.from(pass), detached: true };
          continue;
        }
        for (const held of sequence.subarray(0, matched)) pass.push(held);
        matched = byte === sequence[0] ? 1 : 0;
        if (matched === 0) pass.push(byte);
      }
      return { pass: Buffer.from(pass), detached: false };
    },
  };
}
