import { EngineError } from '#/base/errors.ts';
import type { Connections, HttpRequest, HttpResponse } from '#/core/registry/connections.ts';
import { plainUrl } from '#/core/registry/network-error.ts';

export interface RedirectTrust {
  /** Where no certificate is looked at, http is no worse than https. */
  readonly skipVerify?: boolean | undefined;
}

const maxRedirects = 10;
const redirecting: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/**
 * Sends and follows redirects. What says who we are goes to the first host only, and never again once another host was
 * asked. From https nothing leads to http, unless nothing was verified anyway.
 */
export async function sendFollowing(
  connections: Connections,
  request: HttpRequest,
  trust: RedirectTrust = {},
): Promise<HttpResponse> {
  let current = request;
  for (let hops = 0; hops <= maxRedirects; hops += 1) {
    const response = await connections.send(current);
    const location = response.header('location');
    if (!redirecting.has(response.status) || location === undefined) return response;
    await response[Symbol.asyncDispose]();
    current = nextRequest(current, response.status, followUrl(current.url, location, trust));
  }
  throw new EngineError(
    'unavailable',
    `Cannot ${request.method} ${plainUrl(request.url)}: it was redirected more than ${maxRedirects} times`,
  );
}

/** What a request is about; anything else may say who we are, and is for the first host only. */
const harmless: ReadonlySet<string> = new Set(['accept', 'range', 'content-type', 'content-range', 'user-agent']);

function nextRequest({ body, ...request }: HttpRequest, status: number, url: URL): HttpRequest {
  const stays = url.origin === request.url.origin;
  const headers = Object.fromEntries(
    Object.entries(request.headers ?? {}).filter(([name]) => stays || harmless.has(name.toLowerCase())),
  );
  if (status === 303 && request.method !== 'HEAD') return { ...request, method: 'GET', url, headers };
  if (!stays && body?.secret === true)
    throw refusal(request.url, `${plainUrl(url)} is another host, and the login stays with the first`);
  return { ...request, url, headers, ...(body === undefined ? {} : { body }) };
}

/** Resolves a Location against the URL that gave it. Throws where following it would be unsafe. */
export function followUrl(from: URL, location: string, { skipVerify }: RedirectTrust = {}): URL {
  const refuse = (why: string): EngineError => refusal(from, why);
  if (!URL.canParse(location, from.href)) throw refuse('its Location is no URL');
  const url = new URL(location, from);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw refuse(`"${url.protocol}" is not https`);
  if (from.protocol === 'https:' && url.protocol === 'http:' && skipVerify !== true)
    throw refuse(`${plainUrl(url)} is not encrypted, while ${from.host} is`);
  url.username = '';
  url.password = '';
  return url;
}

function refusal(from: URL, why: string): EngineError {
  return new EngineError('failed-precondition', `Cannot follow ${plainUrl(from)} to where it points: ${why}`);
}
