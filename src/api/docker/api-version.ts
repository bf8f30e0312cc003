import { EngineError } from '#/base/errors.ts';

export const newestMinor = 51;
export const oldestMinor = 24;
export const apiVersion: string = `1.${newestMinor}`;
export const oldestApiVersion: string = `1.${oldestMinor}`;

/** Cuts `/v1.NN` from a path; without it the newest version is meant. */
export function splitVersion(pathname: string): { readonly minor: number; readonly path: string } {
  const match = /^\/v1\.(\d{1,4})(\/.*)$/.exec(pathname);
  return match === null ? { minor: newestMinor, path: pathname } : { minor: Number(match[1]), path: match[2] ?? '/' };
}

/** Refuses what is too old or too new, in the words that Docker's clients understand. */
export function checkVersion(minor: number): void {
  if (minor > newestMinor)
    throw new EngineError(
      'invalid-argument',
      `client version 1.${minor} is too new. Maximum supported API version is ${apiVersion}`,
    );
  if (minor < oldestMinor)
    throw new EngineError(
      'invalid-argument',
      `client version 1.${minor} is too old. Minimum supported API version is ${oldestApiVersion}, please upgrade your client to a newer version`,
    );
}
