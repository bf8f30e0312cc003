import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { getHeapStatistics } from 'node:v8';
import { EngineError, kindOf, messageOf } from '#/base/errors.ts';
import { countsOf, describeDaemon, type DaemonInside } from '#/api/debug/describe-daemon.ts';
import { createProfiler, longestProfile, type Profiler } from '#/api/debug/profile.ts';
import { listenUnix, type UnixAddress } from '#/rpc/unix-listener.ts';

export interface DebugServerOptions {
  readonly listen: readonly UnixAddress[];
  readonly inside: DaemonInside;
}

interface Page {
  readonly about: string;
  readonly type: string;
  readonly read: (question: Question) => string | Promise<string>;
}

interface Question {
  readonly inside: DaemonInside;
  readonly profiler: Profiler;
  readonly seconds: number | undefined;
  readonly signal: AbortSignal;
}

const json = 'application/json';
const text = 'text/plain; charset=utf-8';

const pages: Readonly<Record<string, Page>> = {
  '/debug/vars': { about: 'memory, event loop, counts', type: json, read: ({ inside }) => readVariables(inside) },
  '/debug/pprof/goroutine': {
    about: 'open calls, tasks, what keeps the process; as text',
    type: text,
    read: ({ inside }) => describeDaemon(inside),
  },
  '/debug/pprof/profile': {
    about: 'CPU over ?seconds=30, as .cpuprofile of V8',
    type: json,
    read: ({ profiler, seconds = 30, signal }) => profiler.cpu(seconds, signal),
  },
  '/debug/pprof/heap': {
    about: 'allocations over ?seconds=5, as .heapprofile of V8',
    type: json,
    read: ({ profiler, seconds = 5, signal }) => profiler.heap(seconds, signal),
  },
  '/debug/pprof/cmdline': { about: 'the command line', type: text, read: () => process.argv.join('\0') },
};

/** Pages of Go's that have no meaning here. */
const goOnly = ['allocs', 'block', 'mutex', 'threadcreate', 'trace', 'symbol'];

/** Serves what the daemon can tell of itself to those who may use the socket. */
export async function openDebugServer({ listen, inside }: DebugServerOptions): Promise<AsyncDisposable> {
  await using undo = new AsyncDisposableStack();
  const about = { inside, profiler: createProfiler() };
  for (const address of listen) {
    const server = createServer((request, response) => void serve(request, response, about));
    await listenUnix(server, address);
    undo.defer(async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    });
  }
  return undo.move();
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  about: Pick<Question, 'inside' | 'profiler'>,
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  try {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    const path = pathname.replace(/\/$/, '');
    const seconds = readSeconds(searchParams.get('seconds'));
    const [type, body] =
      path === '/debug/pprof' || path === ''
        ? [text, index()]
        : await readPage(path, { ...about, seconds, signal: gone.signal });
    response.writeHead(200, { 'content-type': type }).end(body);
  } catch (error) {
    if (gone.signal.aborted) return;
    response.writeHead(statusOf(error), { 'content-type': text }).end(`${messageOf(error)}\n`);
  }
}

async function readPage(path: string, question: Question): Promise<[type: string, body: string]> {
  const page = Object.hasOwn(pages, path) ? pages[path] : undefined;
  if (page !== undefined) return [page.type, await page.read(question)];
  if (goOnly.some((name) => path === `/debug/pprof/${name}`))
    throw new EngineError('unimplemented', `Cannot tell "${path}": it is about Go's runtime, and berthd runs on Node`);
  throw new EngineError('not-found', `Cannot find "${path}"; there is:\n${index()}`);
}

const index = (): string =>
  Object.entries(pages)
    .map(([path, { about }]) => `${path}  ${about}\n`)
    .join('');

function readSeconds(written: string | null): number | undefined {
  if (written === null) return undefined;
  const seconds = Number(written);
  if (seconds > 0 && seconds <= longestProfile) return seconds;
  throw new EngineError('invalid-argument', `Cannot profile for "${written}" seconds: give 1 to ${longestProfile}`);
}

function readVariables(inside: DaemonInside): string {
  return JSON.stringify({
    cmdline: process.argv,
    pid: process.pid,
    uptimeSeconds: process.uptime(),
    memory: process.memoryUsage(),
    heap: getHeapStatistics(),
    eventLoopDelaySeconds: inside.loopDelay(),
    openCalls: Object.fromEntries(countsOf(inside.openCalls().map(({ method }) => method))),
    tasks: inside.runningTasks().length,
    resources: Object.fromEntries(countsOf(process.getActiveResourcesInfo())),
  });
}

function statusOf(error: unknown): number {
  switch (kindOf(error)) {
    case 'not-found':
      return 404;
    case 'invalid-argument':
      return 400;
    case 'conflict':
      return 409;
    case 'unimplemented':
      return 501;
    default:
      return 500;
  }
}
