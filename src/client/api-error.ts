import { EngineError, type ErrorKind } from '#/base/errors.ts';
import type { HttpResponse } from '#/client/http/exchange.ts';
import { parseJson } from '#/client/json-text.ts';
import { readAll } from '#/client/read-all.ts';

const kinds: Readonly<Record<number, ErrorKind>> = {
  304: 'not-modified',
  400: 'invalid-argument',
  401: 'unauthenticated',
  403: 'permission-denied',
  404: 'not-found',
  405: 'unimplemented',
  409: 'conflict',
  412: 'failed-precondition',
  416: 'out-of-range',
  429: 'resource-exhausted',
  501: 'unimplemented',
  502: 'unavailable',
  503: 'unavailable',
  504: 'deadline-exceeded',
};

const longestErrorBody = 1024 * 1024;

/** Turns an answer of 300 and above into the error it stands for, with the daemon's own text. */
export async function errorOfResponse(response: HttpResponse): Promise<EngineError> {
  const text = (await readAll(response.body, longestErrorBody)).toString();
  const kind = kinds[response.status] ?? (response.status < 500 ? 'invalid-argument' : 'internal');
  return new EngineError(
    kind,
    `Error response from daemon: ${messageIn(text) ?? `${response.status} ${response.reason}`}`,
  );
}

function messageIn(text: string): string | undefined {
  try {
    const value = parseJson(text);
    if (typeof value === 'object' && value !== null && 'message' in value && typeof value.message === 'string')
      return value.message.trim();
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return text.trim() === '' ? undefined : text.trim();
}
