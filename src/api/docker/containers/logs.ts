import { EngineError } from '#/base/errors.ts';
import { parseTime, type Nanoseconds } from '#/base/clock.ts';
import { containerLog, requireReadableLog } from '#/engine/container-log.ts';
import { findContainer } from '#/engine/find-container.ts';
import { queryFlag, type Handler } from '#/api/docker/call.ts';
import { frame } from '#/api/docker/frame.ts';
import { streamTypeOf } from '#/api/docker/stream-type.ts';

/** Seconds since 1970 with decimals, or RFC 3339; undefined for none. Throws `invalid-argument`. */
export function readTime(name: string, text: string | null): Nanoseconds | undefined {
  if (text === null || text === '' || text === '0') return undefined;
  const match = /^(\d{1,12})(?:\.(\d{1,9}))?$/.exec(text);
  if (match !== null) return BigInt(match[1] ?? '0') * 1_000_000_000n + BigInt((match[2] ?? '').padEnd(9, '0'));
  const time = parseTime(text);
  if (time !== undefined) return time;
  throw new EngineError(
    'invalid-argument',
    `Cannot read "${name}" ${JSON.stringify(text)}: expected seconds since 1970 or RFC 3339`,
  );
}

function readTail(text: string | null): number | undefined {
  if (text === null || text === '' || text === 'all') return undefined;
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

export const logs: Handler = async (call) => {
  const { engine, namespace, path, query, answer, signal } = call;
  const container = findContainer(engine, namespace, path[0] ?? '');
  const [stdout, stderr] = [queryFlag(query, 'stdout'), queryFlag(query, 'stderr')];
  if (!stdout && !stderr)
    throw new EngineError('invalid-argument', 'Bad parameters: you must choose at least one stream');
  const [since, until, tail] = [
    readTime('since', query.get('since')),
    readTime('until', query.get('until')),
    readTail(query.get('tail')),
  ];
  const request = {
    stdout,
    stderr,
    follow: queryFlag(query, 'follow'),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
    ...(tail === undefined ? {} : { tail }),
  };
  const timestamps = queryFlag(query, 'timestamps');
  const tty = container.record.config.Tty;
  requireReadableLog(container);
  const stream = answer.stream(streamTypeOf(call, tty));
  for await (const entry of containerLog(engine, container, request, signal)) {
    const data = timestamps ? Buffer.concat([Buffer.from(`${entry.time} `), entry.data]) : entry.data;
    if (!(await stream.write(tty ? data : frame(entry.stream, data)))) break;
  }
  stream.end();
};
