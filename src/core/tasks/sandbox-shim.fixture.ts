/**
 * A small real shim that serves the sandbox API: a program with `start` and `delete` that stays as a process of its own.
 * Its sandbox is a `sleep`; its tasks run their spec's arguments on the host. Words in its runtime path choose faults.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { basename, dirname, join, resolve } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { now } from '#/base/clock.ts';
import { EngineError } from '#/base/errors.ts';
import { silentLogger } from '#/base/log.ts';
import { wireTime } from '#/core/tasks/timestamp.ts';
import { Sandbox } from '#/gen/containerd/runtime/sandbox/v1/sandbox_pb.ts';
import { DeleteResponseSchema } from '#/gen/containerd/task/v2/shim_pb.ts';
import { Task } from '#/gen/containerd/task/v3/shim_pb.ts';
import { Status } from '#/gen/containerd/types/task/task_pb.ts';
import { bindService } from '#/rpc/service.ts';
import type { BoundService } from '#/rpc/service.ts';
import { createTtrpcServer } from '#/rpc/ttrpc-server.ts';

/** Writes the launcher of this shim; its path is a runtime's name. `fault` says what it does wrong. */
export async function writeSandboxShim(directory: string, fault = 'none'): Promise<string> {
  const path = join(directory, `sandbox-shim-${fault}`);
  const [node, program] = [process.execPath, resolve('src/core/tasks/sandbox-shim.fixture.ts')];
  await writeFile(path, `#!/bin/sh\nexec env FIXTURE_FAULT=${fault} '${node}' '${program}' "$@"\n`);
  await chmod(path, 0o755);
  return path;
}

interface Running {
  readonly args: readonly string[];
  readonly exited: Promise<void>;
  readonly end: () => void;
  child?: ChildProcess;
  code?: number;
  exitedAt: bigint;
}

function running(args: readonly string[]): Running {
  const { promise, resolve: end } = Promise.withResolvers<void>();
  return { args, exited: promise, end, exitedAt: 0n };
}

function run(process: Running): number {
  const [file = '', ...args] = process.args;
  const child = spawn(file, args, { stdio: 'ignore' });
  process.child = child;
  child.on('exit', (code, signal) => {
    process.code = code ?? (signal === 'SIGKILL' ? 137 : 143);
    process.exitedAt = now();
    process.end();
  });
  return child.pid ?? 0;
}

const fault = process.env['FIXTURE_FAULT'] ?? 'none';

function sandboxService(sandbox: Running, shutDown: () => void): BoundService {
  return bindService(Sandbox, {
    createSandbox: ({ netnsPath }) => {
      if (fault === 'no-create') throw new EngineError('failed-precondition', `there is no room for "${netnsPath}"`);
      return {};
    },
    startSandbox: () => {
      if (fault === 'no-start') throw new EngineError('unavailable', 'the sandbox would not start');
      return { pid: run(sandbox), createdAt: wireTime(now()) };
    },
    stopSandbox: async () => {
      sandbox.child?.kill('SIGKILL');
      if (sandbox.child !== undefined) await sandbox.exited;
      return {};
    },
    waitSandbox: async () => {
      await sandbox.exited;
      return { exitStatus: sandbox.code ?? 0, exitedAt: wireTime(sandbox.exitedAt) };
    },
    sandboxStatus: ({ sandboxId, verbose }) => ({
      sandboxId,
      pid: sandbox.child?.pid ?? 0,
      state: sandbox.code === undefined ? 'SANDBOX_READY' : 'SANDBOX_NOTREADY',
      info: verbose ? { shim: String(process.pid) } : {},
      exitedAt: wireTime(sandbox.exitedAt),
    }),
    sandboxMetrics: () => ({ metrics: { id: 'sandbox', timestamp: wireTime(now()) } }),
    shutdownSandbox: () => {
      sandbox.child?.kill('SIGKILL');
      setTimeout(shutDown, 10);
      return {};
    },
  });
}

function taskService(tasks: Map<string, Running>): BoundService {
  const get = (id: string): Running => {
    const task = tasks.get(id);
    if (task === undefined) throw new EngineError('not-found', `there is no task "${id}"`);
    return task;
  };
  return bindService(Task, {
    create: async ({ id, bundle }) => {
      const { process: described } = JSON.parse(await readFile(join(bundle, 'config.json'), 'utf8')) as {
        readonly process: { readonly args: readonly string[] };
      };
      tasks.set(id, running(described.args));
      return { pid: 0 };
    },
    start: ({ id }) => ({ pid: run(get(id)) }),
    state: ({ id }) => {
      const { child, code, exitedAt } = get(id);
      const status = child === undefined ? Status.CREATED : code === undefined ? Status.RUNNING : Status.STOPPED;
      return { id, pid: child?.pid ?? 0, status, exitStatus: code ?? 0, exitedAt: wireTime(exitedAt) };
    },
    kill: ({ id, signal }) => {
      get(id).child?.kill(signal);
      return {};
    },
    wait: async ({ id }) => {
      const task = get(id);
      await task.exited;
      return { exitStatus: task.code ?? 0, exitedAt: wireTime(task.exitedAt) };
    },
    delete: ({ id }) => {
      const { child, code, exitedAt } = get(id);
      tasks.delete(id);
      return { pid: child?.pid ?? 0, exitStatus: code ?? 0, exitedAt: wireTime(exitedAt) };
    },
    shutdown: () => {
      // A sandbox's shim must never be asked to end by one of its tasks.
      process.exit(3);
    },
  });
}

async function serve(socket: string): Promise<void> {
  const tasks = new Map<string, Running>();
  const sandbox = running(['sleep', '1000']);
  const services = [
    sandboxService(sandbox, () => {
      for (const { child } of tasks.values()) child?.kill('SIGKILL');
      process.exit(0);
    }),
    taskService(tasks),
  ];
  await createTtrpcServer({ services, logger: silentLogger }).listen({ path: socket });
}

async function answers(path: string): Promise<boolean> {
  const socket = connect({ path });
  const { promise, resolve: settle } = Promise.withResolvers<boolean>();
  socket.on('connect', () => settle(true)).on('error', () => settle(false));
  const answered = await promise;
  socket.destroy();
  return answered;
}

/** As real shims do, leaves a copy of itself behind, with the same flags, that serves. */
async function start(flags: readonly string[]): Promise<void> {
  const socket = join(process.cwd(), 'shim.sock');
  const [node = '', program = ''] = process.argv;
  spawn(node, [program, ...flags, 'serve'], { detached: true, stdio: 'ignore' }).unref();
  while (!(await answers(socket))) await new Promise((wait) => setTimeout(wait, 20));
  process.stdout.write(JSON.stringify({ version: 3, address: `unix://${socket}`, protocol: 'ttrpc' }));
}

async function main(args: readonly string[]): Promise<void> {
  const command = args.at(-1);
  if (command === 'serve') return await serve(join(process.cwd(), 'shim.sock'));
  if (command === 'start') return await start(args.slice(0, -1));
  const gone = create(DeleteResponseSchema, { exitStatus: 137, exitedAt: wireTime(now()) });
  process.stdout.write(toBinary(DeleteResponseSchema, gone));
}

if (basename(process.argv[1] ?? '') === basename(import.meta.filename) && dirname(import.meta.filename) !== '')
  await main(process.argv.slice(2));
