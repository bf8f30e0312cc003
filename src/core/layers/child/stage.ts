import { once } from 'node:events';
import { Worker, type MessagePort } from 'node:worker_threads';
import { EngineError, messageOf, type ErrorKind } from '#/base/errors.ts';
import { deflate, type Deflate, type Deflated } from '#/core/layers/child/deflate.ts';
import { kindOfFailure } from '#/core/layers/child/entry-error.ts';
import { hashRing, type Hashed } from '#/core/layers/child/hash.ts';
import { inflate, type Inflate } from '#/core/layers/child/inflate.ts';
import { Ring } from '#/core/layers/child/ring.ts';

/** The work of a helper thread: one end of the ring that the main thread holds the other end of. */
interface StageWork {
  readonly inflate: { readonly job: Inflate; readonly result: undefined };
  readonly deflate: { readonly job: Deflate; readonly result: Deflated };
  readonly hash: { readonly job: undefined; readonly result: Hashed };
}

type StageKind = keyof StageWork;

type Request = { readonly [K in StageKind]: { readonly kind: K; readonly job: StageWork[K]['job'] } }[StageKind];

type Answer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly result: unknown }
  | { readonly kind: 'failed'; readonly error: ErrorKind; readonly message: string };

export type ProgressListener = (consumed: number) => void;

/** What a helper thread is started with. */
export interface StageData {
  readonly memory: SharedArrayBuffer;
}

/** The thread's side: answers each request on the port. `createProgress` makes, for each, who hears of bytes read. */
export function serveStage(port: MessagePort, data: StageData, createProgress: () => ProgressListener): void {
  const ring = new Ring(data.memory);
  port.on('message', (request: Request) => port.postMessage(answer(ring, request, createProgress())));
  port.postMessage({ kind: 'ready' } satisfies Answer);
}

function answer(ring: Ring, request: Request, onProgress: ProgressListener): Answer {
  try {
    switch (request.kind) {
      case 'inflate':
        return { kind: 'done', result: inflate(ring, request.job, onProgress) };
      case 'deflate':
        return { kind: 'done', result: deflate(ring, request.job) };
      case 'hash':
        return { kind: 'done', result: hashRing(ring) };
    }
  } catch (error) {
    return { kind: 'failed', error: kindOfFailure(error), message: messageOf(error) };
  }
}

/** The main thread's side of a helper thread. */
export interface Stage {
  run<K extends StageKind>(kind: K, job: StageWork[K]['job']): Promise<StageWork[K]['result']>;
}

/** Resolves when the thread has loaded everything that it will ever load. */
export async function startStage(file: string, data: StageData): Promise<Stage> {
  const thread = new Worker(file, { workerData: data });
  const next = async (): Promise<Answer> => {
    const [message] = (await once(thread, 'message')) as [Answer];
    return message;
  };
  await next();
  return {
    async run<K extends StageKind>(kind: K, job: StageWork[K]['job']): Promise<StageWork[K]['result']> {
      const answered = next();
      thread.postMessage({ kind, job }, []);
      const reply = await answered;
      if (reply.kind === 'failed') throw new EngineError(reply.error, reply.message);
      return (reply.kind === 'done' ? reply.result : undefined) as StageWork[K]['result'];
    },
  };
}
