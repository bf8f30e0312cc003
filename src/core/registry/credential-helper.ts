import { EngineError, describeFailure } from '#/base/errors.ts';
import { parseJson } from '#/core/registry/answer-error.ts';
import type { Credentials } from '#/core/registry/contract.ts';
import type { ProxyEnvironment } from '#/core/registry/proxy.ts';
import { run } from '#/linux/spawn.ts';

const helperName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const timeoutMs = 30_000;
const maxOutput = 64 * 1024;
/** The user name by which a helper says that its secret is a refresh token. */
const tokenUser = '<token>';

/**
 * Asks `docker-credential-NAME get` for a server's login; undefined when the helper has none. The name comes from a
 * file that people edit, so it is checked: it becomes part of a program's name.
 */
export async function askCredentialHelper(
  name: string,
  server: string,
  environment: ProxyEnvironment,
): Promise<Credentials | undefined> {
  const tried = `Cannot get credentials for "${server}" from the helper ${JSON.stringify(name.slice(0, 80))}`;
  if (!helperName.test(name))
    throw new EngineError(
      'invalid-argument',
      `${tried}: that is no name of a helper; see "credsStore" and "credHelpers"`,
    );
  const file = `docker-credential-${name}`;
  const result = await run({ file, args: ['get'], env: environment, input: server, timeoutMs, maxOutput }).catch(
    (error) => {
      throw describeFailure(tried, error);
    },
  );
  const output = result.stdout.toString('utf8').trim();
  if (result.code === 0) return readAnswer(output, tried);
  if (/credentials not found/i.test(output)) return undefined;
  const said = `${output} ${result.stderr.toString('utf8')}`.replace(/\p{Cc}+/gu, ' ').trim();
  throw new EngineError('failed-precondition', `${tried}: "${file}" failed: ${said.slice(0, 300)}`);
}

function readAnswer(output: string, tried: string): Credentials {
  const answer = parseJson(output);
  const fields = typeof answer === 'object' && answer !== null ? (answer as Readonly<Record<string, unknown>>) : {};
  const { Username: username, Secret: secret } = fields;
  if (typeof username !== 'string' || typeof secret !== 'string')
    throw new EngineError('failed-precondition', `${tried}: its answer has no "Username" and "Secret"`);
  return username === tokenUser ? { identityToken: secret } : { username, password: secret };
}
