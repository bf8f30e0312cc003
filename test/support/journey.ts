/** A daemon with an image in it and a client to it, and what every journey checks at its end. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { openClient, type Client } from '#/client/client.ts';
import { throwOnError } from '#/client/progress-error.ts';
import { demultiplex } from '#/client/stdio-frames.ts';
import { startBerthd, type Berthd, type StartOptions } from './berthd.ts';
import { findLeftovers, findSpoiltBlobs, type Expected } from './find-leftovers.ts';
import { makeHelloArchive } from './hello-image.ts';

export interface Journey extends AsyncDisposable {
  readonly daemon: Berthd;
  readonly client: Client;
  load(archive: Uint8Array): Promise<void>;
  /** Pulls and returns the lines of status. */
  pull(image: string, options?: { readonly platform?: string }): Promise<string[]>;
  /** Makes and starts a container, and answers its id. */
  start(image: string, command: readonly string[], more?: RunOptions): Promise<string>;
  /** Runs to the end, removes the container, and answers what it wrote and its code. */
  run(image: string, command: readonly string[]): Promise<{ readonly code: number; readonly output: string }>;
  /** Records and machine fit, every blob is what its name says, and the first image runs. */
  assertInOrder(options?: Omit<Expected, 'ids'>): Promise<void>;
}

export interface RunOptions {
  readonly name?: string;
  readonly autoRemove?: boolean;
  readonly tty?: boolean;
  readonly stdin?: boolean;
}

export async function startJourney(args: readonly string[] = [], options: StartOptions = {}): Promise<Journey> {
  const daemon = await startBerthd(args, options);
  try {
    const journey = journeyOf(daemon);
    await journey.load(await makeHelloArchive());
    return journey;
  } catch (error) {
    await daemon[Symbol.asyncDispose]();
    throw error;
  }
}

function journeyOf(daemon: Berthd): Journey {
  const client = openClient({ socketPath: join(daemon.state, 'docker.sock') });
  const ids = new Set<string>();
  const create = async (image: string, command: readonly string[], more: RunOptions = {}): Promise<string> => {
    const { name, autoRemove = false, tty = false, stdin = false } = more;
    const HostConfig = { NetworkMode: 'none', AutoRemove: autoRemove };
    const config = { Image: image, Cmd: command, Tty: tty, OpenStdin: stdin, HostConfig };
    const { Id } = await client.containers.create(config, name === undefined ? {} : { name });
    ids.add(Id);
    return Id;
  };
  const run: Journey['run'] = async (image, command) => {
    const id = await create(image, command);
    const { result } = await client.containers.wait(id, 'next-exit');
    await client.containers.start(id);
    const { StatusCode: code } = await result;
    let output = '';
    for await (const { data } of demultiplex(await client.containers.logs(id))) output += data.toString();
    await client.containers.remove(id);
    return { code, output };
  };
  return {
    daemon,
    client,
    load: async (archive) => {
      for await (const _ of throwOnError(await client.images.load(archive)));
    },
    pull: async (image, { platform } = {}) => {
      const [repository = '', tag = ''] = image.split(/:(?=[^:]*$)/);
      const lines: string[] = [];
      for await (const { status } of throwOnError(await client.images.pull({ repository, tag, platform })))
        lines.push(status ?? '');
      return lines;
    },
    start: async (image, command, more) => {
      const id = await create(image, command, more);
      await client.containers.start(id);
      return id;
    },
    run,
    assertInOrder: async (expected = {}) => {
      assert.deepEqual(await findLeftovers(daemon, { ids, ...expected }), []);
      assert.deepEqual(await findSpoiltBlobs(daemon), []);
      assert.deepEqual(await run('hello', ['echo', 'still here']), { code: 0, output: 'still here\n' });
    },
    [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose](),
  };
}
