import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Output } from '#/cli/output.ts';
import { findLauncher, startDaemon } from '#/cli/start-daemon.ts';

interface Setting extends AsyncDisposable {
  readonly state: string;
  readonly launcher: string;
  readonly lines: readonly string[];
  readonly err: Output;
}

/** A directory with a berthd of a few lines of shell. */
async function openSetting(script: string): Promise<Setting> {
  const directory = await mkdtempDisposable(join(tmpdir(), 'start-daemon-'));
  const launcher = join(directory.path, 'berthd');
  await writeFile(launcher, `#!/bin/sh\n${script}\n`);
  await chmod(launcher, 0o755);
  const lines: string[] = [];
  const err = { line: (text: string) => void lines.push(text), text: () => {}, write: async () => {} };
  return {
    state: join(directory.path, 'state'),
    launcher,
    lines,
    err,
    [Symbol.asyncDispose]: () => directory.remove(),
  };
}

const start = ({ state, launcher, err }: Setting, patience = { total: 10_000, afterExit: 100 }): Promise<void> =>
  startDaemon({
    stateDirectory: state,
    socketPath: join(state, 'docker.sock'),
    env: { BERTH_ROOT: '/data' },
    err,
    launcher,
    patience,
  });

test('startDaemon() starts berthd with its directories, waits for the socket and says so once', async () => {
  const server = `require("net").createServer((s) => s.destroy()).listen(process.argv[1] + "/docker.sock"); setTimeout(process.exit, 5000)`;
  await using setting = await openSetting(
    `echo "$@"; echo $$ > "$2/pid"; sleep 0.1; exec "${process.execPath}" -e '${server}' "$2"`,
  );
  await start(setting);
  const pid = Number(await readFile(join(setting.state, 'pid'), 'utf8'));
  try {
    assert.match(
      setting.lines.join('\n'),
      /^berth: no daemon was running, so berthd was started \(its log: .*\/state\/berthd\.log\)$/,
    );
    assert.equal(
      (await readFile(join(setting.state, 'berthd.log'), 'utf8')).trim(),
      `--state ${setting.state} --root /data`,
    );
  } finally {
    process.kill(pid, 'SIGKILL');
  }
});

test('startDaemon() shows the end of the log when berthd fails, and not what stood there before', async () => {
  await using setting = await openSetting('for n in 1 2 3 4 5 6 7 8 9 10 11 12; do echo "line $n"; done; exit 3');
  await mkdir(setting.state);
  await writeFile(join(setting.state, 'berthd.log'), 'an old complaint\n');
  await assert.rejects(start(setting), (error: unknown) => {
    assert(error instanceof Error);
    assert.match(
      error.message,
      /^Cannot start berthd: it ended with exit code 3; the end of its log .*:\n {2}line 3\n/,
    );
    assert.match(error.message, /line 12$/);
    assert.doesNotMatch(error.message, /old complaint|line 2\n/);
    return true;
  });
  assert.deepEqual(setting.lines, []);
});

test('startDaemon() does not wait for ever', async () => {
  await using setting = await openSetting('echo $$ > "$2/pid"; exec sleep 60');
  await assert.rejects(start(setting, { total: 300, afterExit: 100 }), {
    kind: 'unavailable',
    message: /did not answer within 0 s; its log .* is empty$/,
  });
  process.kill(Number(await readFile(join(setting.state, 'pid'), 'utf8')), 'SIGKILL');
});

test('startDaemon() says when berthd cannot be run at all', async () => {
  await using setting = await openSetting('');
  await chmod(setting.launcher, 0o644);
  await assert.rejects(start(setting), /it cannot be run: spawn .* EACCES/);
});

test('findLauncher() looks beside the sources and the bundle', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'find-launcher-'));
  await mkdir(join(directory.path, 'bin'));
  await writeFile(join(directory.path, 'bin', 'berthd'), '');
  const launcher = join(directory.path, 'bin', 'berthd');
  assert.equal(findLauncher(join(directory.path, 'src', 'cli', 'main.ts')), launcher);
  assert.equal(findLauncher(join(directory.path, 'dist', 'berth.js')), launcher);
  assert.throws(() => findLauncher('/nowhere/at/all/main.ts'), { kind: 'not-found' });
});
