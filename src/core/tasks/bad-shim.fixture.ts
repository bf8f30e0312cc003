/**
 * A real shim that misbehaves: a program with `start` and `delete` that stays as a process of its own and speaks ttrpc,
 * until its fault comes. What it runs is a `sleep`.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { basename, join, resolve } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { now } from '#/base/clock.ts';
import { EngineError } from '#/base/errors.ts';
import { silentLogger } from '#/base/log.ts';
import { wireTime } from '#/core/tasks/timestamp.ts';
import { DeleteResponseSchema, Task } from '#/gen/containerd/task/v2/shim_pb.ts';
import { Status } from '#/gen/containerd/types/task/task_pb.ts';
import { bindService } from '#/rpc/service.ts';
import { createTtrpcServer } from '#/rpc/ttrpc-server.ts';

export type ShimFault =
  | 'start-fails'
  | 'start-babbles'
  | 'start-floods'
  | 'start-points-nowhere'
  | 'create-hangs'
  | 'create-vanishes'
  | 'create-babbles'
  | 'state-hangs'
  | 'state-babbles'
  | 'start-call-hangs'
  | 'delete-hangs';

/** Writes the launcher of a shim with this fault; its path is a runtime's name. */
export async function writeBadShim(directory: string, fault: ShimFault): Promise<string> {
  const path = join(directory, `bad-shim-${fault}`);
  const [node, program] = [process.execPath, resolve('src/core/tasks/bad-shim.fixture.ts')];
  await writeFile(path, `#!/bin/sh\nexec env FIXTURE_FAULT=${fault} '${node}' '${program}' "$@"\n`);
  await chmod(path, 0o755);
  return path;
}

const fault = process.env['FIXTURE_FAULT'];
const socketPath = join(process.cwd(), 'shim.sock');
const never = new Promise<never>(() => {});

/** Throws nonsense at whoever is connected, without a word of ttrpc in it. */
function babble(sockets: ReadonlySet<Socket>): void {
  for (const socket of sockets) socket.write(randomBytes(64 * 1024));
}

async function serve(): Promise<void> {
  const sockets = new Set<Socket>();
  let child: ChildProcess | undefined;
  let ended = false;
  const { promise: exited, resolve: end } = Promise.withResolvers<void>();
  const service = bindService(Task, {
    create: async () => {
      if (fault === 'create-hangs') await never;
      if (fault === 'create-vanishes') process.exit(0);
      if (fault === 'create-babbles') {
        babble(sockets);
        await never;
      }
      child = spawn('sleep', ['1000'], { stdio: 'ignore' });
      child.on('exit', () => {
        ended = true;
        end();
      });
      return { pid: child.pid ?? 0 };
    },
    start: async () => (fault === 'start-call-hangs' ? await never : { pid: child?.pid ?? 0 }),
    state: async () => {
      if (fault === 'state-hangs') await never;
      if (fault === 'state-babbles') babble(sockets);
      return { pid: child?.pid ?? 0, status: ended ? Status.STOPPED : Status.RUNNING };
    },
    kill: () => {
      if (child === undefined) throw new EngineError('not-found', 'there is no process');
      child.kill('SIGKILL');
      return {};
    },
    wait: async () => {
      if (child === undefined) throw new EngineError('not-found', 'there is no process');
      await exited;
      return { exitStatus: 137, exitedAt: wireTime(now()) };
    },
    delete: async () => {
      if (fault === 'delete-hangs') await never;
      return { pid: child?.pid ?? 0, exitStatus: 137, exitedAt: wireTime(now()) };
    },
    shutdown: () => {
      setTimeout(() => process.exit(0), 10);
      return {};
    },
  });
  const acceptPeer = (socket: Socket): boolean => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    return true;
  };
  await createTtrpcServer({ services: [service], logger: silentLogger, acceptPeer }).listen({ path: socketPath });
}

async function answers(path: string): Promise<boolean> {
  const socket = connect({ path });
  const { promise, resolve: settle } = Promise.withResolvers<boolean>();
  socket.on('connect', () => settle(true)).on('error', () => settle(false));
  const answered = await promise;
  socket.destroy();
  return answered;
}

async function start(flags: readonly string[]): Promise<void> {
  if (fault === 'start-fails') {
    process.stderr.write('no luck today\n');
    process.exitCode = 1;
    return;
  }
  if (fault === 'start-babbles') return void process.stdout.write(Buffer.from([0xff, 0xfe, 0x00, 0x93]));
  if (fault === 'start-floods') return void process.stdout.write(Buffer.alloc(4 << 20, 'x'));
  if (fault === 'start-points-nowhere') return void process.stdout.write(`unix://${socketPath}`);
  const [node = '', program = ''] = process.argv;
  spawn(node, [program, ...flags, 'serve'], { detached: true, stdio: 'ignore' }).unref();
  while (!(await answers(socketPath))) await new Promise((wait) => setTimeout(wait, 20));
  process.stdout.write(`unix://${socketPath}`);
}

async function main(args: readonly string[]): Promise<void> {
  if (args.at(-1) === 'serve') return await serve();
  if (args.at(-1) === 'start') return await start(args.slice(0, -1));
  const gone = create(DeleteResponseSchema, { exitStatus: 137, exitedAt: wireTime(now()) });
  process.stdout.write(toBinary(DeleteResponseSchema, gone));
}

if (basename(process.argv[1] ?? '') === basename(import.meta.filename)) await main(process.argv.slice(2));
