import { spawn } from 'node:child_process';
import { EngineError, messageOf } from '#/base/errors.ts';
import type { Credentials } from '#/client/system.ts';

const patience = 30_000;
const mostOutput = 1024 * 1024;

/** Asks `docker-credential-NAME`; undefined when it knows nothing of the registry. */
export async function helperCredentials(helper: string, server: string): Promise<Credentials | undefined> {
  const { code, output } = await callHelper(helper, 'get', server);
  if (code !== 0) {
    if (/credentials not found/i.test(output)) return undefined;
    throw new EngineError(
      'unavailable',
      `Cannot get credentials of "${server}" from "${programOf(helper)}": ${output.trim()}`,
    );
  }
  const { Username: username, Secret: secret } = parseAnswer(helper, output);
  return username === '<token>' ? { identitytoken: secret } : { username, password: secret };
}

export async function storeInHelper(helper: string, server: string, credentials: Credentials): Promise<void> {
  const token = credentials.identitytoken ?? '';
  const entry = {
    ServerURL: server,
    Username: token === '' ? (credentials.username ?? '') : '<token>',
    Secret: token === '' ? (credentials.password ?? '') : token,
  };
  const { code, output } = await callHelper(helper, 'store', JSON.stringify(entry));
  if (code !== 0)
    throw new EngineError(
      'unavailable',
      `Cannot store credentials of "${server}" with "${programOf(helper)}": ${output.trim()}`,
    );
}

/** Forgetting what is not known is no failure. */
export async function eraseFromHelper(helper: string, server: string): Promise<void> {
  const { code, output } = await callHelper(helper, 'erase', server);
  if (code !== 0 && !/credentials not found/i.test(output))
    throw new EngineError(
      'unavailable',
      `Cannot erase credentials of "${server}" with "${programOf(helper)}": ${output.trim()}`,
    );
}

function programOf(helper: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(helper))
    throw new EngineError(
      'failed-precondition',
      `Cannot use credential helper ${JSON.stringify(helper)}: it is no plain name`,
    );
  return `docker-credential-${helper}`;
}

function parseAnswer(helper: string, output: string): { Username: string; Secret: string } {
  try {
    const value: unknown = JSON.parse(output);
    if (typeof value === 'object' && value !== null && 'Username' in value && 'Secret' in value)
      return { Username: String(value.Username), Secret: String(value.Secret) };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new EngineError('data-loss', `Cannot read the answer of "${programOf(helper)}": it has no Username and Secret`);
}

async function callHelper(helper: string, verb: string, input: string): Promise<{ code: number; output: string }> {
  const program = programOf(helper);
  const child = spawn(program, [verb], { stdio: ['pipe', 'pipe', 'inherit'], timeout: patience });
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', (error) =>
      reject(new EngineError('unavailable', `Cannot run "${program}": ${messageOf(error)}`, { cause: error })),
    );
    child.once('close', (code) => resolve(code ?? 1));
  });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    if (output.length < mostOutput) output += chunk.toString();
  });
  return { code: await ended, output };
}
