import { EngineError } from '#/base/errors.ts';
import { maxReplyLine, type Job, type Outcome, type Reply } from '#/core/layers/jobs.ts';
import { startLineProcess } from '#/core/layers/line-process.ts';
import { unpackProgram } from '#/core/layers/unpack-program.ts';
import type { ExitStatus } from '#/linux/spawn.ts';

/** What a job tells on its way. */
export interface JobListener {
  readonly onProgress?: ((consumed: number) => void) | undefined;
  readonly onWarning?: ((message: string) => void) | undefined;
}

export type Success = Exclude<Outcome, { kind: 'failed' }>;

/** A process that does one job at a time. */
export interface UnpackChild {
  /** False once it has ended; a new one is needed then. */
  isAlive(): boolean;
  /**
   * Resolves with what came of the job. When the child dies or `signal` aborts, rejects after the child is gone, so
   * that the trees it had are free.
   */
  run(job: Job, listener: JobListener, signal?: AbortSignal): Promise<Success>;
  /** Lets it end by itself. */
  stop(): Promise<void>;
}

export function startUnpackChild(): UnpackChild {
  let listener: (reply: Reply) => void = () => {};
  let alive = true;
  const child = startLineProcess({
    ...unpackProgram(),
    onLine: (line) => listener(JSON.parse(line) as Reply),
    maxLine: maxReplyLine,
  });
  const ended = child.exited.then((status) => {
    alive = false;
    return status;
  });
  return {
    isAlive: () => alive,
    async run(job, { onProgress, onWarning }, signal) {
      signal?.throwIfAborted();
      const { promise: outcome, resolve } = Promise.withResolvers<Outcome>();
      listener = (reply) => {
        if (reply.kind === 'progress') onProgress?.(reply.consumed);
        else if (reply.kind === 'warning') onWarning?.(reply.message);
        else resolve(reply);
      };
      signal?.addEventListener('abort', child.kill, { once: true });
      child.send(JSON.stringify(job));
      try {
        return succeed(
          await Promise.race([outcome, ended.then((status) => failDead(status, child.errorText(), signal))]),
        );
      } finally {
        listener = () => {};
        signal?.removeEventListener('abort', child.kill);
      }
    },
    async stop() {
      child.end();
      await ended;
    },
  };
}

/** The outcome that belongs to the kind of job. */
export function checkOutcome<K extends Success['kind']>(outcome: Success, kind: K): Extract<Success, { kind: K }> {
  if (outcome.kind === kind) return outcome as Extract<Success, { kind: K }>;
  throw new EngineError('internal', `the unpack process answered "${outcome.kind}"`);
}

function succeed(outcome: Outcome): Success {
  if (outcome.kind === 'failed') throw new EngineError(outcome.error, outcome.message);
  return outcome;
}

function failDead(status: ExitStatus, errorText: string, signal: AbortSignal | undefined): never {
  if (signal?.aborted === true) throw new EngineError('cancelled', 'it was cancelled', { cause: signal.reason });
  const how = status.signal === undefined ? `with code ${status.code}` : `by signal ${status.signal}`;
  const said = errorText === '' ? '' : `: ${errorText}`;
  throw new EngineError('internal', `the unpack process ended ${how}${said}`);
}
