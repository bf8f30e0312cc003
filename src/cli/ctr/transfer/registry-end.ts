/** The registry's end of a transfer: where it is, who we are there, and what may be seen of it. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { TypedValue } from '#/base/any.ts';
import { answerCredentials, type RegistrySecret } from '#/client/containerd/answer-credentials.ts';
import { receiveBytes } from '#/client/containerd/byte-streams.ts';
import type { ContainerdClient } from '#/client/containerd/containerd-client.ts';
import { openStream } from '#/client/containerd/open-stream.ts';
import { endOf } from '#/client/containerd/transfer.ts';
import type { RegistryFlags } from '#/cli/ctr/transfer/registry-flags.ts';
import type { Output } from '#/cli/output.ts';
import { configPath, readDockerConfig } from '#/cli/registry/docker-config.ts';
import { findCredentials } from '#/cli/registry/registry-auth.ts';
import { ask } from '#/cli/terminal/ask.ts';
import { UsageError } from '#/cli/usage-error.ts';
import { HTTPDebug, OCIRegistrySchema } from '#/gen/containerd/types/transfer/registry_pb.ts';
import { parseReference } from '#/oci/reference.ts';

export interface RegistryWish {
  readonly reference: string;
  readonly flags: RegistryFlags;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly err: Output;
}

export interface RegistryEnd extends AsyncDisposable {
  readonly end: TypedValue;
}

/** Lives until the transfer is over: the daemon may ask for credentials until then. */
export async function openRegistryEnd(client: ContainerdClient, wish: RegistryWish): Promise<RegistryEnd> {
  const { reference, flags, err } = wish;
  const given = await givenSecret(wish);
  await using stack = new AsyncDisposableStack();
  const hostDir = await hostsDirectory(stack, wish);
  const auth = stack.use(await openStream(client, 'creds'));
  const find = (host: string): Promise<RegistrySecret | undefined> => findSecret(wish, given, host);
  void answerCredentials(auth, find).catch(() => {});
  const logs =
    flags['http-dump'] || flags['http-trace'] ? stack.use(await openStream(client, 'http-debug-logs')) : undefined;
  if (logs !== undefined) void pourLogs(receiveBytes(logs), err);
  const end = endOf(OCIRegistrySchema, {
    reference,
    resolver: {
      authStream: auth.id,
      hostDir,
      defaultScheme: flags['plain-http'] ? 'http' : '',
      httpDebug: debugOf(flags),
      logsStream: logs?.id ?? '',
    },
  });
  const kept = stack.move();
  return { end, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

function debugOf(flags: RegistryFlags): HTTPDebug {
  if (flags['http-dump']) return flags['http-trace'] ? HTTPDebug.BOTH : HTTPDebug.DEBUG;
  return flags['http-trace'] ? HTTPDebug.TRACE : HTTPDebug.DISABLED;
}

async function pourLogs(chunks: AsyncIterable<Uint8Array>, err: Output): Promise<void> {
  try {
    for await (const chunk of chunks) await err.write(chunk);
  } catch {
    // The stream breaks when the transfer is over.
  }
}

/** A password that was left out is asked for. */
export async function givenSecret({ flags, err }: RegistryWish): Promise<RegistrySecret | undefined> {
  const { user, refresh } = flags;
  if (user === undefined) return refresh === undefined ? undefined : { username: '', secret: refresh };
  const colon = user.indexOf(':');
  if (colon >= 0) return { username: user.slice(0, colon), secret: user.slice(colon + 1) };
  return { username: user, secret: await ask('Password: ', { err, secret: true }) };
}

/** What was given is for the registry of the reference alone; for others there is what is remembered. */
export async function findSecret(
  { reference, env }: RegistryWish,
  given: RegistrySecret | undefined,
  host: string,
): Promise<RegistrySecret | undefined> {
  const { domain } = parseReference(reference);
  const isOurs = host === domain || (domain === 'docker.io' && host.endsWith('.docker.io'));
  if (given !== undefined && isOurs) return given;
  const known = await findCredentials(await readDockerConfig(configPath(env)), host);
  if (known === undefined) return undefined;
  const { username = '', password = '', identitytoken = '' } = known;
  return identitytoken === '' ? { username, secret: password } : { username: '', secret: identitytoken };
}

/** Flags about certificates become a hosts.toml, since it is the daemon that connects. */
async function hostsDirectory(stack: AsyncDisposableStack, { reference, flags }: RegistryWish): Promise<string> {
  const { tlscacert, tlscert, tlskey, 'skip-verify': skipVerify, 'hosts-dir': given } = flags;
  const wanted = skipVerify || tlscacert !== undefined || tlscert !== undefined || tlskey !== undefined;
  if (!wanted) return given === undefined ? '' : resolve(given);
  if (given !== undefined)
    throw new UsageError(
      '"--hosts-dir" cannot be given with flags about certificates: put them into its hosts.toml',
      1,
    );
  if ((tlscert === undefined) !== (tlskey === undefined))
    throw new UsageError('"--tlscert" and "--tlskey" belong together', 1);
  const directory = await mkdtemp(join(tmpdir(), 'berth-hosts-'));
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const { domain } = parseReference(reference);
  const host = join(directory, domain);
  await mkdir(host);
  const server = `${flags['plain-http'] ? 'http' : 'https'}://${domain === 'docker.io' ? 'registry-1.docker.io' : domain}`;
  const quote = (path: string): string => JSON.stringify(resolve(path));
  const lines = [
    `server = ${JSON.stringify(server)}`,
    `[host.${JSON.stringify(server)}]`,
    ...(skipVerify ? ['skip_verify = true'] : []),
    ...(tlscacert === undefined ? [] : [`ca = ${quote(tlscacert)}`]),
    ...(tlscert === undefined || tlskey === undefined ? [] : [`client = [[${quote(tlscert)}, ${quote(tlskey)}]]`]),
  ];
  await writeFile(join(host, 'hosts.toml'), `${lines.join('\n')}\n`);
  return directory;
}
