import { EngineError, type ErrorKind } from '#/base/errors.ts';
import type { HttpResponse } from '#/core/registry/connections.ts';
import { plainUrl } from '#/core/registry/network-error.ts';
import { readWhole } from '#/core/registry/response-body.ts';

const longestErrorBody = 64 * 1024;
const longestText = 500;

const kinds: Readonly<Record<number, ErrorKind>> = {
  400: 'invalid-argument',
  401: 'unauthenticated',
  403: 'permission-denied',
  404: 'not-found',
  405: 'unimplemented',
  408: 'unavailable',
  409: 'conflict',
  413: 'resource-exhausted',
  416: 'out-of-range',
  429: 'resource-exhausted',
  501: 'unimplemented',
};

/** The error that an answer of 400 and above means, with what the registry says of it. Closes the answer. */
export async function answerError(tried: string, response: HttpResponse): Promise<EngineError> {
  await using answer = response;
  const said = await whatItSays(answer);
  const kind = kinds[answer.status] ?? (answer.status >= 500 ? 'unavailable' : 'unknown');
  return new EngineError(
    kind,
    `Cannot ${tried}: ${answer.method} ${plainUrl(answer.url)} answered ${answer.status}${said === '' ? '' : `: ${said}`}`,
  );
}

async function whatItSays(answer: HttpResponse): Promise<string> {
  if (answer.method === 'HEAD') return '';
  try {
    const text = (await readWhole(answer.body, longestErrorBody, 'an error')).toString('utf8');
    return printable(errorsInWords(text) ?? firstLine(answer, text));
  } catch {
    // The status tells enough; a broken error text must not hide it.
    return '';
  }
}

/** A page of HTML says nothing to a person at a terminal. */
function firstLine(answer: HttpResponse, text: string): string {
  return answer.header('content-type')?.includes('html') === true ? '' : (text.trim().split('\n')[0] ?? '');
}

/** distribution-spec, "Error Codes": `{"errors":[{"code","message","detail"}]}`; token servers say `details`. */
function errorsInWords(text: string): string | undefined {
  const document = parseJson(text);
  if (!isObject(document)) return undefined;
  const { errors, details, message, error_description: description } = document;
  if (Array.isArray(errors)) return errors.filter(isObject).slice(0, 5).map(errorInWords).join('; ');
  return [details, description, message].find((entry) => typeof entry === 'string');
}

function errorInWords({ code, message }: Readonly<Record<string, unknown>>): string {
  const words = typeof message === 'string' ? message : '';
  const name = typeof code === 'string' ? code : '';
  if (words === '') return name;
  return name === '' ? words : `${words} (${name})`;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What others wrote goes to people's terminals: no control characters, and not too much of it. */
function printable(text: string): string {
  const clean = text.replace(/[\p{Cc}\p{Cf}]+/gu, ' ').trim();
  return clean.length > longestText ? `${clean.slice(0, longestText)}…` : clean;
}
