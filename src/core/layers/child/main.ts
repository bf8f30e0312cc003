/**
 * The unpack child: does the jobs that come on its standard input and answers on descriptor 3, until the input ends. It
 * is its own process because it changes its root, and because nothing that it does may hold the daemon's event loop.
 *
 * The same file is started as a thread twice: once to inflate or deflate, once to hash.
 */
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '#/base/errors.ts';
import { kindOfFailure } from '#/core/layers/child/entry-error.ts';
import { Ring } from '#/core/layers/child/ring.ts';
import { serveStage, startStage, type ProgressListener, type StageData } from '#/core/layers/child/stage.ts';
import { applyLayer, diffTrees, type Workshop } from '#/core/layers/child/work.ts';
import { replyDescriptor, type Job, type Outcome, type Reply } from '#/core/layers/jobs.ts';
import { openPath } from '#/linux/root.ts';

const progressPause = 100;
const maxWarnings = 20;
const maxMessage = 8 * 1024;
/** Even when every character is escaped, such a line is less than PIPE_BUF. */
const maxWarning = 500;

if (isMainThread) await serveJobs();
else if (parentPort !== null) serveStage(parentPort, workerData as StageData, createProgress);

/** A write of less than PIPE_BUF is not torn, whichever thread makes it. An outcome may be longer: by then all rest. */
function send(reply: Reply): void {
  writeSync(replyDescriptor, `${JSON.stringify(reply)}\n`);
}

function createProgress(): ProgressListener {
  let last = -Infinity;
  return (consumed) => {
    const now = performance.now();
    if (now - last < progressPause) return;
    last = now;
    send({ kind: 'progress', consumed });
  };
}

async function serveJobs(): Promise<void> {
  const ring = new Ring();
  const file = fileURLToPath(import.meta.url);
  const realRoot = openPath('/');
  const data: StageData = { memory: ring.memory };
  const [codec, hasher] = await Promise.all([startStage(file, data), startStage(file, data)]);
  const daemon = process.ppid;
  // A daemon that was killed cannot stop its child; then the child's tree is nobody's any more.
  const onChunk = (): void => void (process.ppid === daemon || process.exit(1));
  for await (const line of createInterface({ input: process.stdin })) {
    const shop = { ring, codec, hasher, realRoot, onChunk, warn: createWarn() };
    send(await runJob(shop, JSON.parse(line) as Job));
  }
  process.exit(0);
}

function createWarn(): (message: string) => void {
  let left = maxWarnings;
  return (message) => {
    if (left-- > 0) send({ kind: 'warning', message: message.slice(0, maxWarning) });
  };
}

async function runJob(shop: Workshop, job: Job): Promise<Outcome> {
  try {
    return job.kind === 'apply' ? await applyLayer(shop, job) : await diffTrees(shop, job);
  } catch (error) {
    return { kind: 'failed', error: kindOfFailure(error), message: messageOf(error).slice(0, maxMessage) };
  }
}
