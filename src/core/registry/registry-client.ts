import { EngineError } from '#/base/errors.ts';
import type { Logger } from '#/base/log.ts';
import { answerError } from '#/core/registry/answer-error.ts';
import { createAuthorizer, type Authorizer } from '#/core/registry/authorize.ts';
import type { Connections, HttpRequest, HttpResponse } from '#/core/registry/connections.ts';
import type { CredentialRequest, Credentials } from '#/core/registry/contract.ts';
import { findEndpoint } from '#/core/registry/endpoint.ts';
import { plainUrl } from '#/core/registry/network-error.ts';
import { followUrl, sendFollowing } from '#/core/registry/redirects.ts';
import { isMirrorOf, type RegistryHost } from '#/core/registry/registry-host.ts';
import type { RequestBody } from '#/core/registry/request-body.ts';
import { withRetries, type RetryPolicy } from '#/core/registry/retry.ts';

export interface Call {
  /** For errors: `fetch layer "sha256:…" of "host/name"`. */
  readonly tried: string;
  readonly method: HttpRequest['method'];
  /** Below the root of the API (`name/manifests/tag`), or a whole URL that the registry gave. */
  readonly target: string | URL;
  readonly scopes: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: RequestBody;
  /** Statuses of 400 and above that the caller handles. */
  readonly accept?: readonly number[];
  /** What is tried again: anything that may pass; only what the server answers, not a broken connection; nothing. */
  readonly retry?: 'always' | 'answers' | 'never';
  /** Ends this call alone. */
  readonly signal?: AbortSignal;
}

export interface ClientOptions {
  readonly connections: Connections;
  readonly host: RegistryHost;
  /** The registry whose content is wanted; a mirror is told. */
  readonly domain: string;
  readonly retryPolicy: RetryPolicy;
  readonly findCredentials: (request: CredentialRequest) => Promise<Credentials | undefined>;
  readonly logger: Logger;
  readonly signal: AbortSignal | undefined;
  /** Sent to the host with each request. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Calls one host of a registry: finds its endpoint, logs in when asked to, follows redirects, tries again what may pass. */
export interface RegistryClient extends AsyncDisposable {
  readonly host: RegistryHost;
  /** Another host waits to be asked: nothing is tried twice, nor asked for the sake of a better error. */
  readonly hurried: boolean;
  /** Resolves with an answer below 400 or one in `accept`; throws what any other answer means. */
  call(call: Call): Promise<HttpResponse>;
  /** A Location header of an answer, as a URL that is safe to follow. */
  location(response: HttpResponse, tried: string): URL;
  /** Without logging in; for layers that live elsewhere. */
  callElsewhere(url: URL, headers: Readonly<Record<string, string>>, tried: string): Promise<HttpResponse>;
}

export function createRegistryClient(options: ClientOptions): RegistryClient {
  let session: Promise<Session> | undefined;
  const open = async (): Promise<Session> => await (session ??= openSession(options));
  return {
    host: options.host,
    hurried: false,
    call: async (call) => {
      const { base, authorizer } = await open();
      return await carryOut(call, { ...options, base, authorizer });
    },
    callElsewhere: async (url, headers, tried) => {
      const send = (): Promise<HttpResponse> =>
        sendFollowing(options.connections, { method: 'GET', url, headers, signal: options.signal }, options.host.tls);
      return await orError(tried, await withRetries(options.retryPolicy, options.signal, send));
    },
    location: (response, tried) => {
      const location = response.header('location');
      if (location !== undefined) return followUrl(response.url, location, options.host.tls);
      throw new EngineError('unavailable', `Cannot ${tried}: ${plainUrl(response.url)} answered without a Location`);
    },
    [Symbol.asyncDispose]: async () => await options.connections[Symbol.asyncDispose](),
  };
}

interface Session {
  readonly base: URL;
  readonly authorizer: Authorizer;
}

async function openSession(options: ClientOptions): Promise<Session> {
  const base = await findEndpoint(options.connections, options.host, options.signal);
  return { base, authorizer: createAuthorizer({ ...options, registry: base }) };
}

async function carryOut(call: Call, context: ClientOptions & Session): Promise<HttpResponse> {
  const { retryPolicy } = context;
  const signals = [context.signal, call.signal].filter((signal) => signal !== undefined);
  const signal = signals.length > 1 ? AbortSignal.any(signals) : signals[0];
  const response = await withRetries({ ...retryPolicy, retry: call.retry }, signal, () =>
    sendLoggedIn(call, { ...context, signal }),
  );
  if (call.accept?.includes(response.status) === true) return response;
  if (response.status !== 401 || response.url.origin !== context.base.origin)
    return await orError(call.tried, response);
  const { message } = await answerError(call.tried, response);
  throw new EngineError('unauthenticated', `${message}; ${await context.authorizer.explain()}`);
}

async function orError(tried: string, response: HttpResponse): Promise<HttpResponse> {
  if (response.status >= 400) throw await answerError(tried, response);
  if (response.status < 300) return response;
  await response[Symbol.asyncDispose]();
  throw new EngineError(
    'unavailable',
    `Cannot ${tried}: ${response.method} ${plainUrl(response.url)} answered ${response.status}, which leads nowhere`,
  );
}

function urlOf(
  { target }: Call,
  { base, host, domain }: Pick<ClientOptions & Session, 'base' | 'host' | 'domain'>,
): URL {
  const url = typeof target === 'string' ? new URL(`${base.href.replace(/\/$/, '')}/${target}`) : new URL(target);
  if (isMirrorOf(host, domain) && url.origin === base.origin) url.searchParams.set('ns', domain);
  return url;
}

/** One attempt, with one login at most: a registry that says 401 for ever gets no third request. */
async function sendLoggedIn(call: Call, context: ClientOptions & Session): Promise<HttpResponse> {
  const { base, authorizer, connections, logger, signal, headers } = context;
  const { method, scopes, body, tried } = call;
  const url = urlOf(call, context);
  const ours = url.origin === base.origin;
  const send = async (authorization: string | undefined): Promise<HttpResponse> => {
    const sent = {
      ...(ours ? headers : {}),
      ...call.headers,
      ...(authorization === undefined || !ours ? {} : { authorization }),
    };
    const request = { method, url, headers: sent, signal, ...(body === undefined ? {} : { body }) };
    const response = await sendFollowing(connections, request, context.host.tls);
    logger.debug('registry answered', { method, url: plainUrl(response.url), status: response.status });
    return response;
  };
  const first = authorizer.known(scopes);
  const response = await send(first);
  if (response.status !== 401 || response.url.origin !== base.origin) return response;
  const challenges = response.header('www-authenticate') ?? '';
  await response[Symbol.asyncDispose]();
  const second = await login(authorizer, { challenges, scopes, refused: first, tried });
  return await send(second);
}

async function login(
  authorizer: Authorizer,
  {
    challenges,
    scopes,
    refused,
    tried,
  }: {
    readonly challenges: string;
    readonly scopes: readonly string[];
    readonly refused: string | undefined;
    readonly tried: string;
  },
): Promise<string> {
  try {
    return await authorizer.answer(challenges, scopes, refused);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    throw new EngineError(error.kind, `Cannot ${tried}: ${error.message}`, { cause: error });
  }
}
