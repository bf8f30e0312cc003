import { EngineError } from '#/base/errors.ts';
import { answerError, parseJson } from '#/core/registry/answer-error.ts';
import type { Challenge } from '#/core/registry/challenge.ts';
import type { Connections, HttpRequest, HttpResponse } from '#/core/registry/connections.ts';
import type { Credentials } from '#/core/registry/contract.ts';
import { sendFollowing } from '#/core/registry/redirects.ts';
import { bodyOf } from '#/core/registry/request-body.ts';
import { readWhole } from '#/core/registry/response-body.ts';
import { withRetries, type RetryPolicy } from '#/core/registry/retry.ts';

export interface Token {
  readonly value: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

export interface TokenRequest {
  readonly challenge: Challenge;
  readonly scopes: readonly string[];
  readonly credentials: Credentials | undefined;
  /** The registry that asks for the token. */
  readonly registry: URL;
  readonly retryPolicy: RetryPolicy;
  readonly signal: AbortSignal | undefined;
}

const largestToken = 256 * 1024;
const clientId = 'berth';
const shortestLife = 60;
/** A token is renewed this long before it ends. */
const margin = 5;

/** Asks a token server (distribution-spec, token authentication): GET, or an OAuth2 POST with a refresh token. */
export async function fetchToken(connections: Connections, request: TokenRequest): Promise<Token> {
  const realm = realmOf(request);
  const tried = `get a token for "${request.registry.host}"`;
  const asked = Date.now();
  const send = async (outgoing: HttpRequest): Promise<HttpResponse> =>
    await withRetries(request.retryPolicy, request.signal, () => sendFollowing(connections, outgoing));
  const response = await askFor(realm, request, send);
  if (response.status >= 300) throw await answerError(tried, response);
  await using answer = response;
  return readToken(parseJson((await readWhole(answer.body, largestToken, 'a token')).toString('utf8')), asked, tried);
}

/** A refresh token is for POST; a password goes by GET first, as every server that docker knows takes it. */
async function askFor(
  realm: URL,
  request: TokenRequest,
  send: (outgoing: HttpRequest) => Promise<HttpResponse>,
): Promise<HttpResponse> {
  const { credentials } = request;
  if (credentials?.identityToken !== undefined)
    return await send(
      postRequest(realm, request, { grant_type: 'refresh_token', refresh_token: credentials.identityToken }),
    );
  const response = await send(getRequest(realm, request));
  const { username, password = '' } = credentials ?? {};
  if (username === undefined || (response.status !== 404 && response.status !== 405)) return response;
  await response[Symbol.asyncDispose]();
  return await send(postRequest(realm, request, { grant_type: 'password', username, password }));
}

function realmOf({ challenge, registry, credentials }: TokenRequest): URL {
  const realm = challenge.parameters['realm'] ?? '';
  const refuse = (why: string): EngineError =>
    new EngineError(
      'unauthenticated',
      `Cannot log in to "${registry.host}": its token server ${JSON.stringify(realm.slice(0, 200))} ${why}`,
    );
  if (!URL.canParse(realm)) throw refuse('is no URL');
  const url = new URL(realm);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw refuse('is not reached by https');
  if (registry.protocol === 'https:' && url.protocol === 'http:' && credentials !== undefined)
    throw refuse('is not encrypted, so the password stays here');
  return url;
}

function getRequest(realm: URL, { challenge, scopes, credentials, signal }: TokenRequest): HttpRequest {
  const url = new URL(realm);
  const service = challenge.parameters['service'];
  if (service !== undefined) url.searchParams.set('service', service);
  for (const scope of scopes) url.searchParams.append('scope', scope);
  if (credentials?.username !== undefined) {
    url.searchParams.set('account', credentials.username);
    url.searchParams.set('client_id', clientId);
  }
  const headers = credentials?.username === undefined ? {} : { authorization: basicHeader(credentials) };
  return { method: 'GET', url, headers, signal };
}

/** OAuth2, as the distribution project describes it. */
function postRequest(
  realm: URL,
  { challenge, scopes, signal }: TokenRequest,
  grant: Readonly<Record<string, string>>,
): HttpRequest {
  const form = new URLSearchParams({
    ...grant,
    client_id: clientId,
    service: challenge.parameters['service'] ?? '',
    scope: scopes.join(' '),
  });
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const body = { ...bodyOf(Buffer.from(form.toString())), secret: true };
  return { method: 'POST', url: realm, headers, body, signal };
}

export function basicHeader({ username = '', password = '' }: Credentials): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function readToken(document: unknown, asked: number, tried: string): Token {
  const fields =
    typeof document === 'object' && document !== null ? (document as Readonly<Record<string, unknown>>) : {};
  const value = [fields['token'], fields['access_token']].find((entry) => typeof entry === 'string' && entry !== '');
  if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value))
    throw new EngineError('unauthenticated', `Cannot ${tried}: the token server's answer holds no token`);
  const life = typeof fields['expires_in'] === 'number' ? Math.max(fields['expires_in'], shortestLife) : shortestLife;
  return { value, expiresAt: asked + (life - margin) * 1000 };
}
