import { EngineError } from '#/base/errors.ts';
import type { Call } from '#/api/docker/call.ts';

const jsonLimit = 4 * 1024 * 1024;

/** The JSON body of a call; undefined when there is none. */
export async function readJson({ answer }: Pick<Call, 'answer'>): Promise<unknown> {
  const body = await answer.body(jsonLimit);
  if (body.length === 0) return undefined;
  try {
    return JSON.parse(body.toString('utf8'));
  } catch (cause) {
    throw new EngineError('invalid-argument', 'Cannot read the request: its body is not JSON', { cause });
  }
}
