/** The host's end of the virtio-serial port; the frames are those of guest/frame.h. */
import type { Duplex } from 'node:stream';

const kinds = { run: 1, input: 2, kill: 3, ready: 16, stdout: 17, stderr: 18, taken: 19, ended: 20 } as const;
const headSize = 12;
const frameMax = 32_768;

export interface GuestCommand {
  readonly words: readonly string[];
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
  readonly input: Uint8Array;
  readonly onOutput: (stream: 'stdout' | 'stderr', chunk: Buffer) => void;
}

export interface Agent {
  /** Resolves when the guest is up; rejects when it ends before. */
  readonly ready: Promise<void>;
  /** Resolves with the exit code, as a shell tells it; rejects when the guest ends. The signal kills the command. */
  run(command: GuestCommand, signal: AbortSignal): Promise<number>;
  /** What waits rejects with this. */
  fail(why: Error): void;
}

interface Running {
  readonly command: GuestCommand;
  readonly ended: PromiseWithResolvers<number>;
  given: number;
}

export function openAgent(port: Duplex): Agent {
  const ready = Promise.withResolvers<void>();
  ready.promise.catch(() => {});
  const running = new Map<number, Running>();
  let failure: Error | undefined;
  let last = 0;

  const send = (id: number, kind: number, payload: Uint8Array): void => {
    const head = Buffer.alloc(headSize);
    for (const [index, word] of [payload.length, id, kind].entries()) head.writeUInt32LE(word, 4 * index);
    port.write(Buffer.concat([head, payload]));
  };
  const giveInput = (id: number, state: Running): void => {
    const { input } = state.command;
    if (state.given > input.length) return;
    const piece = input.subarray(state.given, state.given + frameMax);
    // An empty piece ends the input; nothing comes after it.
    state.given += piece.length === 0 ? 1 : piece.length;
    send(id, kinds.input, piece);
  };
  const take = (id: number, kind: number, payload: Buffer): void => {
    if (kind === kinds.ready) return ready.resolve();
    const state = running.get(id);
    if (state === undefined) return;
    if (kind === kinds.stdout) state.command.onOutput('stdout', payload);
    else if (kind === kinds.stderr) state.command.onOutput('stderr', payload);
    else if (kind === kinds.taken) giveInput(id, state);
    else if (kind === kinds.ended) {
      running.delete(id);
      state.ended.resolve(payload.readUInt32LE(0));
    }
  };
  readFrames(port, take);
  port.on('error', () => {});

  return {
    ready: ready.promise,
    run: async (command, signal) => {
      if (failure !== undefined) throw failure;
      const settings = Object.entries(command.env).map(([name, value]) => `${name}=${value}`);
      const strings = [command.directory, String(settings.length), ...settings, ...command.words];
      const request = Buffer.from(strings.map((text) => `${text}\0`).join(''));
      if (request.length > frameMax)
        throw new Error(`Cannot run "${command.words[0]}" in the guest: its words are too long`);
      const id = ++last;
      const state: Running = { command, ended: Promise.withResolvers(), given: 0 };
      running.set(id, state);
      send(id, kinds.run, request);
      giveInput(id, state);
      const kill = (): void => send(id, kinds.kill, Buffer.alloc(0));
      signal.addEventListener('abort', kill, { once: true });
      try {
        return await state.ended.promise;
      } finally {
        signal.removeEventListener('abort', kill);
      }
    },
    fail: (why) => {
      failure ??= why;
      ready.reject(why);
      for (const { ended } of running.values()) ended.reject(why);
      running.clear();
    },
  };
}

function readFrames(port: Duplex, take: (id: number, kind: number, payload: Buffer) => void): void {
  let pending: Buffer = Buffer.alloc(0);
  port.on('data', (chunk: Buffer) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    while (pending.length >= headSize) {
      const end = headSize + pending.readUInt32LE(0);
      if (pending.length < end) return;
      take(pending.readUInt32LE(4), pending.readUInt32LE(8), pending.subarray(headSize, end));
      pending = pending.subarray(end);
    }
  });
}
