/** The little of the distribution protocol that single objects need; whole images are the daemon's work. */
import { readFile } from 'node:fs/promises';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { describeFailure, EngineError } from '#/base/errors.ts';
import { readAll } from '#/client/read-all.ts';

export interface RegistryAccess {
  /** As in references: `docker.io`, `localhost:5000`. */
  readonly domain: string;
  readonly repository: string;
  readonly plainHttp: boolean;
  readonly skipVerify: boolean;
  readonly caFile: string | undefined;
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
  readonly credentials: { readonly username: string; readonly secret: string } | undefined;
  readonly onRequest: (line: string) => void;
}

export interface RegistryRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT';
  /** Below `/v2/NAME/`, or whole: where the registry sent us. */
  readonly path: string;
  readonly accept?: readonly string[];
  /** Opened again when the registry wants us to log in first. */
  readonly body?: { readonly open: () => AsyncIterable<Uint8Array>; readonly size: number; readonly type: string };
}

export interface RegistryClient {
  /** Logs in when asked to, follows where it is sent. Throws for an answer that is no success. */
  send(request: RegistryRequest): Promise<IncomingMessage>;
}

const mostRedirects = 5;
const longestComplaint = 4096;

export async function openRegistryClient(access: RegistryAccess): Promise<RegistryClient> {
  const [ca, cert, key] = await Promise.all([access.caFile, access.certFile, access.keyFile].map(readFileIf));
  const host = access.domain === 'docker.io' ? 'registry-1.docker.io' : access.domain;
  const base = `${access.plainHttp ? 'http' : 'https'}://${host}/v2/${access.repository}/`;
  const tls = { rejectUnauthorized: !access.skipVerify, ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
  let authorization = '';
  const once = async (url: URL, wish: RegistryRequest): Promise<IncomingMessage> => {
    access.onRequest(`${wish.method} ${url.href}`);
    const own = url.origin === new URL(base).origin;
    try {
      return await exchange(url, wish, { tls, authorization: own ? authorization : '' });
    } catch (error) {
      throw describeFailure(`Cannot ${wish.method} "${url.href}"`, error);
    }
  };
  return {
    send: async (wish) => {
      let url = new URL(wish.path, base);
      for (let hops = 0; hops <= mostRedirects; hops++) {
        const answer = await once(url, wish);
        const { statusCode = 0, headers } = answer;
        if (statusCode === 401 && authorization === '') {
          answer.resume();
          authorization = await logIn(access, headers['www-authenticate'] ?? '', tls);
          continue;
        }
        if (statusCode >= 200 && statusCode < 300) return answer;
        if (statusCode < 300 || statusCode >= 400 || headers.location === undefined) throw await complaint(answer, url);
        answer.resume();
        url = new URL(headers.location, url);
      }
      throw new EngineError('aborted', `Cannot reach "${base}": the registry sends from place to place`);
    },
  };
}

const readFileIf = async (path: string | undefined): Promise<Buffer | undefined> =>
  path === undefined ? undefined : await readFile(path);

interface Security {
  readonly tls: object;
  readonly authorization: string;
}

function exchange(url: URL, wish: RegistryRequest, { tls, authorization }: Security): Promise<IncomingMessage> {
  const { method, accept, body } = wish;
  const headers = {
    ...(accept === undefined ? {} : { accept: accept.join(', ') }),
    ...(authorization === '' ? {} : { authorization }),
    ...(body === undefined && method === 'POST' ? { 'content-length': 0 } : {}),
    ...(body === undefined ? {} : { 'content-type': body.type, 'content-length': body.size }),
  };
  return new Promise((resolve, reject) => {
    const open = url.protocol === 'http:' ? httpRequest : httpsRequest;
    const sent = open(url, { method, headers, ...tls }, resolve);
    sent.on('error', reject);
    const pour = async (): Promise<void> => {
      for await (const chunk of body?.open() ?? [])
        if (!sent.write(chunk)) await new Promise((drained) => sent.once('drain', drained));
      sent.end();
    };
    pour().catch((error: unknown) => sent.destroy(error instanceof Error ? error : new Error(String(error))));
  });
}

/** A `Bearer` challenge is answered with a token from where it points, `Basic` with the password itself. */
async function logIn(access: RegistryAccess, challenge: string, tls: object): Promise<string> {
  const { credentials, domain } = access;
  const basic =
    credentials === undefined
      ? ''
      : `Basic ${Buffer.from(`${credentials.username}:${credentials.secret}`).toString('base64')}`;
  const parameters = new Map(
    [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]),
  );
  const realm = parameters.get('realm');
  if (!/^bearer /i.test(challenge) || realm === undefined) {
    if (basic !== '') return basic;
    throw new EngineError(
      'unauthenticated',
      `Cannot use "${domain}": it wants to know who we are; log in with berth ctr login ${domain}`,
    );
  }
  const url = new URL(realm);
  for (const name of ['service', 'scope'])
    if (parameters.has(name)) url.searchParams.set(name, parameters.get(name) ?? '');
  const answer = await exchange(url, { method: 'GET', path: '' }, { tls, authorization: basic });
  if (answer.statusCode !== 200) throw await complaint(answer, url);
  const { token, access_token: other } = JSON.parse(
    (await readAll(answer as AsyncIterable<Buffer>, 1 << 20)).toString(),
  ) as Record<string, unknown>;
  const found = typeof token === 'string' ? token : other;
  if (typeof found === 'string') return `Bearer ${found}`;
  throw new EngineError('unauthenticated', `Cannot log in to "${domain}": "${realm}" gave no token`);
}

async function complaint(answer: IncomingMessage, url: URL): Promise<EngineError> {
  const kinds: Readonly<Record<number, 'not-found' | 'unauthenticated' | 'permission-denied'>> = {
    404: 'not-found',
    401: 'unauthenticated',
    403: 'permission-denied',
  };
  const text = await readAll(answer as AsyncIterable<Buffer>, longestComplaint).catch(() => Buffer.alloc(0));
  const words = text.toString().trim();
  const status = answer.statusCode ?? 0;
  return new EngineError(
    kinds[status] ?? 'unavailable',
    `Cannot use "${url.href}": the registry answered ${status}${words === '' ? '' : `: ${words}`}`,
  );
}
