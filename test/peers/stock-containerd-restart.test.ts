/** Containers under berth's shim outlive a stock containerd that is killed, and it learns what happened meanwhile. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { newToken } from '#/base/ids.ts';
import { removeNamedCgroup } from '#/linux/cgroup.ts';
import { berthRuntime } from '#/oci/runtime-names.ts';
import { startContainerd } from '../support/containerd.ts';
import { makeHelloArchive } from '../support/hello-image.ts';
import { findPeerTools } from '../support/peer-tools.ts';
import { parentOf, processIdentity } from '../support/process-identity.ts';
import { mustRun, runCommand } from '../support/run-command.ts';
import { untilTrue } from '../support/until.ts';

const tools = findPeerTools();
const build = resolve(import.meta.dirname, '../../build');
const image = 'docker.io/library/hello:latest';
const runtime = process.env['BERTH_TEST_RUNTIME'] ?? berthRuntime;

const daemons = [
  { generation: '1.6', program: '/usr/bin/containerd', directory: '/usr/bin', skip: false as const },
  { generation: '2.x', program: tools.path('containerd'), directory: tools.directory, skip: tools.skip },
];

for (const { generation, program, directory, skip } of daemons)
  test(
    `containers live through kill -9 of containerd ${generation}, and their exits are learnt`,
    { skip },
    async () => {
      await using stack = new AsyncDisposableStack();
      const namespace = `restart-${newToken(3)}`;
      stack.defer(() => removeNamedCgroup(namespace));
      const path = `${directory}:${build}:${process.env['PATH'] ?? ''}`;
      const daemon = stack.use(await startContainerd({ program, path }));
      const words = (args: readonly string[]): string[] => [
        '--address',
        daemon.address,
        '--namespace',
        namespace,
        ...args,
      ];
      const ctr = (...args: string[]): Promise<string> => mustRun('ctr', words(args));
      const pidOf = async (id: string): Promise<number> =>
        Number(new RegExp(`^${id}\\s+(\\d+)`, 'm').exec(await ctr('tasks', 'ls'))?.[1]);
      const isGone = (pid: number): Promise<boolean> => processIdentity(pid).then((found) => found === undefined);
      const run = (id: string, line: string): Promise<string> =>
        ctr('run', '-d', '--null-io', '--runtime', runtime, image, id, 'sh', '-c', line);

      const archive = join(daemon.directory, 'hello.tar');
      await writeFile(archive, await makeHelloArchive());
      await ctr('images', 'import', archive);
      const files = join(daemon.directory, 'flag');
      await run('stays', 'sleep 1000');
      await run('lost', 'sleep 1000');
      const mount = `type=bind,src=${daemon.directory},dst=/in,options=rbind`;
      const script = 'while [ ! -e /in/flag ]; do sleep 0.1; done; exit 7';
      const detached = ['run', '-d', '--null-io', '--runtime', runtime, '--mount', mount, image];
      await ctr(...detached, 'ends', 'sh', '-c', script);
      const [stays, lost, ends] = await Promise.all(['stays', 'lost', 'ends'].map(pidOf));
      assert(stays !== undefined && lost !== undefined && ends !== undefined);
      const identity = await processIdentity(stays);

      await daemon.crash();
      await writeFile(files, '');
      await untilTrue('the exit of a container', () => isGone(ends));
      process.kill(await parentOf(lost), 'SIGKILL');
      await daemon.start();

      const listed = await ctr('tasks', 'ls');
      assert.match(listed, new RegExp(`^stays +${stays} +RUNNING$`, 'm'));
      // From 2.0 on containerd lets go of what has ended when it starts, whichever shim it has.
      if (generation === '1.6') assert.match(listed, new RegExp(`^ends +${ends} +STOPPED$`, 'm'));
      else assert.doesNotMatch(listed, /^ends/m);
      assert.doesNotMatch(listed, /^lost/m);
      assert.equal(await processIdentity(stays), identity);
      await untilTrue('the end of what lost its shim', () => isGone(lost));

      const exec = await runCommand(
        'ctr',
        words(['tasks', 'exec', '--exec-id', 'e', 'stays', 'sh', '-c', 'sleep 0.2; exit 5']),
      );
      assert.equal(exec.code, 5, exec.stderr);
      const removed = await runCommand('ctr', words(['tasks', 'rm', 'ends']));
      assert.match(removed.stderr, generation === '1.6' ? /exit code 7/ : /not found/);
      const shim = await parentOf(stays);
      await ctr('tasks', 'rm', '-f', 'stays');
      await ctr('containers', 'rm', 'stays', 'lost', 'ends');
      await untilTrue('the end of the shim', () => isGone(shim));
    },
  );
