import { EngineError } from '#/base/errors.ts';
import type { ProgressMessage } from '#/client/image-payloads.ts';

/** Passes progress on until a message is a failure, which it throws. */
export async function* throwOnError(
  messages: AsyncIterable<ProgressMessage>,
): AsyncGenerator<ProgressMessage, void, void> {
  for await (const message of messages) {
    const error = message.errorDetail?.message ?? message.error;
    if (error !== undefined && error !== '') throw new EngineError('unknown', error);
    yield message;
  }
}
