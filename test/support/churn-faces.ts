/** The same four verbs through each of berthd's older faces: Docker's API, and containerd's by the real ctr. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { isKind } from '#/base/errors.ts';
import type { Client } from '#/client/client.ts';
import { throwOnError } from '#/client/progress-error.ts';
import { demultiplex } from '#/client/stdio-frames.ts';
import type { Berthd } from './berthd.ts';

/** What a loop of pull, run, exec and rm asks for. Each resolves when berthd has acknowledged it. */
export interface ChurnFace {
  readonly name: string;
  pull(image: string): Promise<void>;
  /** Starts a container that stays. */
  run(box: string, image: string): Promise<void>;
  /** What a second process in it prints. */
  exec(box: string, word: string): Promise<string>;
  remove(box: string): Promise<void>;
  removeImage(image: string): Promise<void>;
  /** The id that its shim has. */
  idOf(box: string): string;
  /** Names of images, and what runs by name. A box that was made and never started has pid 0. */
  look(): Promise<{ readonly images: ReadonlySet<string>; readonly boxes: ReadonlyMap<string, number> }>;
}

const sleeping = ['sleep', '100000'];

export function dockerFace(client: Client, { onContainer }: { readonly onContainer: (id: string) => void }): ChurnFace {
  const split = (image: string): { repository: string; tag: string } => {
    const at = image.lastIndexOf(':');
    return { repository: image.slice(0, at), tag: image.slice(at + 1) };
  };
  const ids = new Map<string, string>();
  return {
    name: 'docker',
    idOf: (box) => ids.get(box) ?? box,
    pull: async (image) => {
      for await (const _ of throwOnError(await client.images.pull(split(image))));
    },
    run: async (box, image) => {
      const config = { Image: image, Cmd: sleeping, HostConfig: { NetworkMode: 'none' } };
      const { Id } = await client.containers.create(config, { name: box });
      onContainer(Id);
      ids.set(box, Id);
      await client.containers.start(Id);
    },
    exec: async (box, word) => {
      const { execs } = client.containers;
      const { Id } = await execs.create(box, { Cmd: ['echo', word], AttachStdout: true });
      using stream = await execs.startAttached(Id, { tty: false });
      let text = '';
      for await (const { data } of demultiplex(stream.incoming)) text += data.toString();
      return text;
    },
    remove: (box) => client.containers.remove(box, { force: true }),
    removeImage: async (image) => {
      await client.images.remove(image).catch((error: unknown) => {
        if (!isKind(error, 'not-found')) throw error;
      });
    },
    look: async () => {
      const [images, containers] = await Promise.all([client.images.list(), client.containers.list({ all: true })]);
      for (const { Id } of containers) onContainer(Id);
      const running = await Promise.all(
        containers.map(async ({ Id, Names }) => {
          const { State } = await client.containers.inspect(Id);
          return [Names?.[0]?.slice(1) ?? Id, State.Running ? State.Pid : 0] as const;
        }),
      );
      return { images: new Set(images.flatMap(({ RepoTags }) => RepoTags ?? [])), boxes: new Map(running) };
    },
  };
}

/** ctr is ended by `stop`: it would wait for a daemon that is gone, and go on with the next one. */
export function ctrFace({ address }: Berthd, { stop }: { readonly stop: () => AbortSignal }): ChurnFace {
  const ctr = async (...words: readonly string[]): Promise<string> => {
    const args = ['--address', address, '--namespace', 'churn', ...words];
    const child = spawn('ctr', args, { stdio: ['ignore', 'pipe', 'pipe'], signal: stop(), killSignal: 'SIGKILL' });
    const [out, err]: [string[], string[]] = [[], []];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk.toString()));
    await once(child, 'close');
    if (child.exitCode !== 0) throw new Error(`ctr ${words.join(' ')} ended with ${child.exitCode}: ${err.join('')}`);
    return out.join('');
  };
  const rows = (table: string): string[][] =>
    table
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/));
  return {
    name: 'ctr',
    idOf: (box) => box,
    pull: async (image) => void (await ctr('images', 'pull', '--plain-http', image)),
    run: async (box, image) => void (await ctr('run', '-d', '--null-io', image, box, ...sleeping)),
    // ctr drops its streams when the process has ended, read or not: a process that ends at once may seem to be silent.
    exec: (box, word) => ctr('tasks', 'exec', '--exec-id', word, box, 'sh', '-c', `echo ${word}; sleep 0.2`),
    remove: async (box) => {
      // A box whose run was cut short has no task.
      if (rows(await ctr('tasks', 'ls')).some(([id]) => id === box)) await ctr('tasks', 'rm', '--force', box);
      await ctr('containers', 'rm', box);
    },
    removeImage: async (image) => void (await ctr('images', 'rm', '--sync', image)),
    look: async () => {
      const tasks = new Map(rows(await ctr('tasks', 'ls')).map(([id = '', pid, status]) => [id, { pid, status }]));
      const boxes = (await ctr('containers', 'ls', '-q')).split('\n').filter((line) => line !== '');
      for (const id of tasks.keys()) assert(boxes.includes(id), `task "${id}" has a container`);
      const images = (await ctr('images', 'ls', '-q')).split('\n').filter((line) => line !== '');
      const pidOf = (box: string): number => {
        const { pid, status } = tasks.get(box) ?? {};
        return status === 'RUNNING' ? Number(pid) : 0;
      };
      return { images: new Set(images), boxes: new Map(boxes.map((box) => [box, pidOf(box)])) };
    },
  };
}
