import { setTimeout as delay } from 'node:timers/promises';
import { BoundedQueue } from '#/base/bounded-queue.ts';
import { now } from '#/base/clock.ts';
import { EngineError } from '#/base/errors.ts';
import type { EngineEvent } from '#/engine/engine-events.ts';
import { toJson } from '#/api/docker/answer.ts';
import { matchesLabels, queryFilters, type Handler } from '#/api/docker/call.ts';
import { readTime } from '#/api/docker/containers/logs.ts';

const known = [
  'config',
  'container',
  'daemon',
  'event',
  'image',
  'label',
  'network',
  'node',
  'plugin',
  'scope',
  'secret',
  'service',
  'type',
  'volume',
];
const longestQueue = 4096;

/** Engine API, "Monitor events": what is remembered since `since`, then what happens until `until`. */
export const events: Handler = async ({ engine, namespace, query, answer, signal }) => {
  const filters = queryFilters(query, known);
  const since = readTime('since', query.get('since'));
  const until = readTime('until', query.get('until'));
  const queue = new BoundedQueue<EngineEvent>(longestQueue);
  const wanted = (event: EngineEvent): boolean => event.namespace === namespace && passes(event, filters);
  const stopListening = engine.bus.listen((event) => {
    if (wanted(event) && !queue.offer(event))
      queue.close(new EngineError('resource-exhausted', 'Cannot follow events: the client reads too slowly'));
  });
  const stop = (): void => queue.close();
  signal.addEventListener('abort', stop, { once: true });
  engine.closing.addEventListener('abort', stop, { once: true });
  try {
    const past =
      since === undefined
        ? []
        : engine.bus.history(since).filter((event) => wanted(event) && (until === undefined || event.time <= until));
    const stream = answer.stream('application/json');
    for (const event of past) await stream.write(line(event));
    if (until !== undefined) void closeAt(queue, until, signal);
    for await (const event of queue) if (!(await stream.write(line(event)))) break;
    stream.end();
  } finally {
    stopListening();
    engine.closing.removeEventListener('abort', stop);
  }
};

async function closeAt(queue: BoundedQueue<EngineEvent>, until: bigint, signal: AbortSignal): Promise<void> {
  const milliseconds = Number((until - now()) / 1_000_000n);
  if (milliseconds > 0) await delay(milliseconds, undefined, { signal }).catch(() => {});
  queue.close();
}

function line({ type, action, id, attributes, time }: EngineEvent): string {
  return `${toJson({
    status: action,
    id,
    from: attributes['image'] ?? '',
    Type: type,
    Action: action,
    Actor: { ID: id, Attributes: attributes },
    scope: 'local',
    time: time / 1_000_000_000n,
    timeNano: time,
  })}\n`;
}

function passes(event: EngineEvent, filters: ReadonlyMap<string, readonly string[]>): boolean {
  const any = (name: string, test: (value: string) => boolean): boolean => {
    const values = filters.get(name);
    return values === undefined || values.length === 0 || values.some(test);
  };
  const named = (text: string): boolean => event.id.startsWith(text) || event.attributes['name'] === text;
  return (
    any('type', (text) => event.type === text) &&
    any('event', (text) => event.action === text || event.action.startsWith(`${text}:`)) &&
    any('container', (text) => event.type === 'container' && named(text)) &&
    any('image', (text) => event.attributes['image'] === text || (event.type === 'image' && named(text))) &&
    any('scope', (text) => text === 'local') &&
    ['config', 'daemon', 'network', 'node', 'plugin', 'secret', 'service', 'volume'].every((name) =>
      any(name, () => false),
    ) &&
    matchesLabels(event.attributes, filters.get('label'))
  );
}
