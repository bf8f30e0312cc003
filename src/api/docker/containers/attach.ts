import { attachContainer } from '#/engine/attach.ts';
import { containerLog } from '#/engine/container-log.ts';
import { announce } from '#/engine/context.ts';
import { queryFlag, type Handler } from '#/api/docker/call.ts';
import { detachSequence } from '#/api/docker/detach-keys.ts';
import { frame } from '#/api/docker/frame.ts';
import { splice } from '#/api/docker/splice.ts';
import { streamTypeOf } from '#/api/docker/stream-type.ts';
import type { Hijacked } from '#/api/docker/answer.ts';
import type { Call } from '#/api/docker/call.ts';
import type { EngineContainer } from '#/engine/container-record.ts';

/** Engine API, "Attach to a container": the log so far, the streams from now on, or both. */
export const attach: Handler = async (call) => {
  const { engine, namespace, path, query, answer, signal } = call;
  const wants = {
    stdin: queryFlag(query, 'stdin'),
    stdout: queryFlag(query, 'stdout'),
    stderr: queryFlag(query, 'stderr'),
  };
  const detachKeys = detachSequence(query.get('detachKeys') ?? '');
  const attachment = attachContainer(engine, namespace, path[0] ?? '', wants, signal);
  attachment.stream.catch(() => {});
  const { container } = attachment;
  const tty = container.record.config.Tty;
  const hijacked = answer.hijack(streamTypeOf(call, tty));
  if (queryFlag(query, 'logs')) await replayLog(call, container, hijacked);
  if (!queryFlag(query, 'stream')) {
    attachment.stream.then(
      (stream) => stream.destroy(),
      () => {},
    );
    hijacked.output.end();
    return;
  }
  const stream = await attachment.stream;
  await splice(hijacked, stream, {
    input: wants.stdin,
    ...(tty ? { detachKeys } : {}),
    onDetach: () => announce(engine, container, 'detach'),
  });
};

async function replayLog(
  { engine, query, signal }: Call,
  container: EngineContainer,
  { output }: Hijacked,
): Promise<void> {
  const request = { stdout: queryFlag(query, 'stdout'), stderr: queryFlag(query, 'stderr'), follow: false };
  for await (const entry of containerLog(engine, container, request, signal))
    output.write(container.record.config.Tty ? entry.data : frame(entry.stream, entry.data));
}
