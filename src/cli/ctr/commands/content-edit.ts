import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EngineError } from '#/base/errors.ts';
import { readDocument } from '#/client/containerd/content.ts';
import { writeContent } from '#/client/containerd/write-content.ts';
import { exactly } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { text } from '#/cli/flags.ts';
import { UsageError } from '#/cli/usage-error.ts';
import { parseDigest } from '#/oci/digest.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] DIGEST',
  about: 'Edit a blob in an editor; what comes out is a new blob, whose digest is shown',
  flags: {
    editor: text('', 'COMMAND', 'Editor to use (also EDITOR)'),
    validate: text('', 'FORMAT', 'Not taken: the result is not checked'),
  },
  arity: exactly(1),
  run: async ({ flags, args, out, env, connect }) => {
    if (flags.validate !== undefined)
      throw new UsageError('flag "--validate" cannot be followed: results are not checked', 1);
    const editor = flags.editor ?? env['EDITOR'] ?? '';
    if (editor === '') throw new UsageError('there is no editor: name one with "--editor" or in EDITOR', 1);
    const digest = parseDigest(args[0] ?? '');
    const client = await connect();
    await using directory = await mkdtempDisposable(join(env['XDG_RUNTIME_DIR'] || tmpdir(), 'berth-edit-'));
    const path = join(directory.path, 'blob');
    await writeFile(path, await readDocument(client, digest), { mode: 0o600 });
    await edit(editor, path);
    const wish = { ref: `edit-${digest}`, total: 0, expected: '' };
    out.line(await writeContent(client, wish, createReadStream(path) as AsyncIterable<Buffer>));
  },
});

/** An editor's name may bring options with it, so the shell reads it, as it does for git. */
async function edit(editor: string, path: string): Promise<void> {
  const child = spawn('sh', ['-c', `${editor} "$1"`, 'sh', path], { stdio: 'inherit' });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0)
    throw new EngineError('aborted', `Cannot take what "${editor}" made: it ended with ${code ?? 'a signal'}`);
}
