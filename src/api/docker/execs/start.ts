import { findExec, startExec } from '#/engine/exec.ts';
import type { Handler } from '#/api/docker/call.ts';
import { detachSequence } from '#/api/docker/detach-keys.ts';
import { Fields } from '#/api/docker/json-fields.ts';
import { readJson } from '#/api/docker/read-json.ts';
import { splice } from '#/api/docker/splice.ts';
import { streamTypeOf } from '#/api/docker/stream-type.ts';

/** Starts a registered process; unless it is detached the connection becomes its streams. */
export const startExecHandler: Handler = async (call) => {
  const { engine, path, answer } = call;
  const fields = new Fields(await readJson(call), 'ExecStartConfig');
  const detach = fields.flag('Detach');
  fields.flag('Tty');
  const [height, width] = (fields.raw('ConsoleSize') ?? []) as number[];
  fields.refuseRest();
  const { config } = findExec(engine, path[0] ?? '');
  const size =
    height !== undefined && width !== undefined && height > 0 && width > 0 ? { consoleSize: { height, width } } : {};
  const started = await startExec(engine, path[0] ?? '', { detach, ...size });
  if (started.stream === undefined) return answer.send(200);
  const client = answer.hijack(streamTypeOf(call, config.tty));
  await splice(client, started.stream, {
    input: config.attachStdin,
    ...(config.tty ? { detachKeys: detachSequence(config.detachKeys) } : {}),
    endInput: () => started.endInput(),
    onDetach: () => {},
  });
  return undefined;
};
