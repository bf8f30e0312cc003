import assert from 'node:assert/strict';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { run, spawn } from '#/linux/spawn.ts';

const env = { PATH: '/usr/bin:/bin' };
const limits = { env, timeoutMs: 10_000, maxOutput: 1024 * 1024 };
const nothing = ['ignore', 'ignore', 'ignore'] as const;
const { SIGTERM, SIGKILL } = constants.signals;

test('spawn() tells the exit code', async () => {
  const child = spawn({ file: 'sh', args: ['-c', 'exit 7'], env, stdio: nothing });
  assert(child.pid > 0);
  assert.deepEqual(await child.exited, { code: 7 });
  assert.equal(child.kill(SIGTERM), false);
});

test('spawn() tells the signal that ended the child', async () => {
  const child = spawn({ file: 'sleep', args: ['60'], env, stdio: nothing });
  assert.equal(child.kill(SIGTERM), true);
  assert.deepEqual(await child.exited, { signal: SIGTERM });
});

test('spawn() throws what exec says of a missing, a forbidden and a broken program', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'spawn-'));
  const file = join(directory.path, 'program');
  const start = (name: string) => () => spawn({ file: name, args: [], env, stdio: nothing });
  assert.throws(start('/no/such/program'), { code: 'ENOENT', syscall: 'spawn', path: '/no/such/program' });
  assert.throws(start('no-such-program'), { code: 'ENOENT' });
  await writeFile(file, 'neither script nor ELF', { mode: 0o600 });
  assert.throws(start(file), { code: 'EACCES' });
  await writeFile(join(directory.path, 'noexec'), 'neither script nor ELF', { mode: 0o755 });
  assert.throws(start(join(directory.path, 'noexec')), { code: 'ENOEXEC' });
  assert.throws(() => spawn({ file: 'true', args: ['a\0b'], env, stdio: nothing }), { kind: 'invalid-argument' });
  assert.throws(() => spawn({ file: 'true', args: [], env, cwd: '/no/such', stdio: nothing }), { code: 'ENOENT' });
});

test('spawn() leaves no zombie and no descriptor behind', async () => {
  spawn({ file: 'true', args: [], env, stdio: nothing });
  const count = () => readdirSync('/proc/self/fd').length;
  await spawn({ file: 'true', args: [], env, stdio: nothing }).exited;
  await new Promise((resolve) => setTimeout(resolve, 20));
  const before = count();
  const pids: number[] = [];
  for (let i = 0; i < 20; i++) {
    const child = spawn({ file: 'true', args: [], env, stdio: nothing });
    pids.push(child.pid);
    await child.exited;
    assert.throws(() => spawn({ file: '/no/such', args: [], env, stdio: nothing }));
  }
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(count(), before);
  for (const pid of pids) assert.throws(() => readFileSync(`/proc/${pid}/stat`), { code: 'ENOENT' });
});

test('spawn() gives the child its stdio in any order and no other descriptor', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'spawn-'));
  const [first, second] = ['first', 'second'].map((name) => openSync(join(directory.path, name), 'w'));
  assert(first !== undefined && second !== undefined);
  const secret = openSync('/etc/passwd', 'r');
  const script = 'echo one >&1; echo two >&2; echo three >&3; exec ls /proc/self/fd >&3';
  const child = spawn({ file: 'sh', args: ['-c', script], env, stdio: ['ignore', second, first, second] });
  for (const fd of [first, second, secret]) closeSync(fd);
  assert.deepEqual(await child.exited, { code: 0 });
  assert.equal(await readFile(join(directory.path, 'first'), 'utf8'), 'two\n');
  const [one, three, ...fds] = (await readFile(join(directory.path, 'second'), 'utf8')).trim().split('\n');
  assert.deepEqual([one, three], ['one', 'three']);
  // The fourth is the directory that ls reads.
  assert.deepEqual(fds, ['0', '1', '2', '3', '4']);
});

test('spawn() gives the child default signals, an empty mask, its own session, directory and environment', async () => {
  const script =
    'cat /proc/self/status | grep -E "^Sig(Blk|Ign|Cgt)"; pwd; echo $WORD; cut -d" " -f5,6 /proc/$$/stat; echo $$';
  const output = await run({
    ...limits,
    file: 'bash',
    args: ['-c', script],
    env: { ...env, WORD: 'ünï' },
    cwd: '/usr',
  });
  const [block, ignore, caught, cwd, word] = output.stdout.toString().split('\n');
  assert.match(`${block} ${ignore} ${caught}`, /^SigBlk:\s0+ SigIgn:\s0+ SigCgt:\s0+$/);
  assert.deepEqual([cwd, word], ['/usr', 'ünï']);
  await using directory = await mkdtempDisposable(join(tmpdir(), 'spawn-'));
  const out = openSync(join(directory.path, 'out'), 'w');
  const child = spawn({ file: 'bash', args: ['-c', script], env, stdio: ['ignore', out, 2], detached: true });
  closeSync(out);
  await child.exited;
  const lines = (await readFile(join(directory.path, 'out'), 'utf8')).trim().split('\n');
  assert.equal(lines.at(-2), `${child.pid} ${child.pid}`);
});

test('spawn() kills the child when its signal aborts', async () => {
  const stop = new AbortController();
  const child = spawn({ file: 'sleep', args: ['60'], env, stdio: nothing, signal: stop.signal });
  stop.abort();
  assert.deepEqual(await child.exited, { signal: SIGKILL });
  assert.throws(() => spawn({ file: 'true', args: [], env, stdio: nothing, signal: stop.signal }), {
    name: 'AbortError',
  });
});

test('spawn() with unref does not keep the process alive', async () => {
  const script = `import { spawn } from '#/linux/spawn.ts';
    const child = spawn({ file: 'sleep', args: ['30'], env: ${JSON.stringify(env)}, stdio: [], unref: true });
    console.log(child.pid);`;
  const started = performance.now();
  const args = ['--input-type=module-typescript', '-e', script];
  const result = await run({ ...limits, file: process.execPath, args });
  assert.equal(result.stderr.toString(), '');
  assert(performance.now() - started < 8000);
  process.kill(Number(result.stdout), 'SIGKILL');
});

test('spawn() works in a worker that is ended while a child runs', async () => {
  const script = `import { parentPort } from 'node:worker_threads';
    import { spawn } from '${import.meta.resolve('#/linux/spawn.ts')}';
    const env = ${JSON.stringify(env)};
    const status = await spawn({ file: 'sh', args: ['-c', 'exit 3'], env, stdio: [] }).exited;
    const child = spawn({ file: 'sleep', args: ['60'], env, stdio: [] });
    parentPort.postMessage({ status, pid: child.pid });`;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(script)}`));
  const [message] = await Promise.race([
    new Promise<[{ status: unknown; pid: number }]>((resolve) => worker.once('message', (value) => resolve([value]))),
    new Promise<never>((_, reject) => worker.once('error', reject)),
  ]);
  assert.deepEqual(message.status, { code: 3 });
  await worker.terminate();
  process.kill(message.pid, 'SIGKILL');
});

test('run() gives output, exit code and passes input', async () => {
  const input = Buffer.alloc(300_000, 'x');
  const copied = await run({ ...limits, file: 'cat', args: [], input });
  assert.deepEqual(copied, { code: 0, stdout: input, stderr: Buffer.of() });
  const failed = await run({ ...limits, file: 'sh', args: ['-c', 'echo out; echo err >&2; exit 9'] });
  assert.deepEqual(failed, { code: 9, stdout: Buffer.from('out\n'), stderr: Buffer.from('err\n') });
  const deaf = await run({ ...limits, file: 'true', args: [], input });
  assert.equal(deaf.code, 0);
});

test('run() ends a program that takes too long or prints too much', async () => {
  const slow = run({ ...limits, file: 'sleep', args: ['60'], timeoutMs: 50 });
  await assert.rejects(slow, { kind: 'deadline-exceeded', message: 'Cannot run "sleep": it was not done after 50 ms' });
  await assert.rejects(run({ ...limits, file: 'yes', args: [] }), { kind: 'resource-exhausted' });
  const stop = AbortSignal.timeout(50);
  await assert.rejects(run({ ...limits, file: 'sleep', args: ['60'], signal: stop }), { name: 'TimeoutError' });
  await assert.rejects(run({ ...limits, file: '/no/such', args: [] }), { code: 'ENOENT' });
});

test('run() does not wait for a grandchild that keeps the output open', async () => {
  const started = performance.now();
  const { stdout } = await run({ ...limits, file: 'sh', args: ['-c', 'sleep 30 & echo $!'] });
  assert(performance.now() - started < 5000);
  process.kill(Number(stdout), 'SIGKILL');
});
