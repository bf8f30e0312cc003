import { EngineError } from '#/base/errors.ts';
import { waitContainer, type WaitCondition } from '#/engine/wait.ts';
import type { Handler } from '#/api/docker/call.ts';
import { toJson } from '#/api/docker/answer.ts';

function readCondition(text: string): WaitCondition {
  if (text === '' || text === 'not-running') return 'not-running';
  if (text === 'next-exit' || text === 'removed') return text;
  throw new EngineError('invalid-argument', `invalid condition: "${text}"`);
}

/** Headers go out at once, the answer when the container has ended, so that a client can wait before it starts it. */
export const wait: Handler = async ({ engine, namespace, path, query, answer, signal }) => {
  const ended = waitContainer(engine, namespace, path[0] ?? '', readCondition(query.get('condition') ?? ''), signal);
  ended.catch(() => {});
  const stream = answer.stream('application/json');
  const { exitCode, error } = await ended;
  await stream.write(`${toJson({ StatusCode: exitCode, ...(error === '' ? {} : { Error: { Message: error } }) })}\n`);
  stream.end();
};
