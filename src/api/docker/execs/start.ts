import { messageOf } from '#/base/errors.ts';
import { requireStartable, startExec, type StartedExec } from '#/engine/exec.ts';
import type { Hijacked } from '#/api/docker/answer.ts';
import { frame } from '#/api/docker/frame.ts';
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
  const exec = requireStartable(engine, path[0] ?? '');
  const { config } = exec;
  const size =
    height !== undefined && width !== undefined && height > 0 && width > 0 ? { consoleSize: { height, width } } : {};
  if (detach) {
    await startExec(engine, exec.id, { detach, ...size });
    return answer.send(200);
  }
  const client = answer.hijack(streamTypeOf(call, config.tty));
  const started = await startOrTell(client, config.tty, () => startExec(engine, exec.id, { detach, ...size }));
  if (started?.stream === undefined) return undefined;
  await splice(client, started.stream, {
    input: config.attachStdin,
    ...(config.tty ? { detachKeys: detachSequence(config.detachKeys) } : {}),
    onDetach: () => {},
    // Clients ask for the exit code as soon as the streams are over.
    ended: started.exec.ended.promise,
  });
  return undefined;
};

/** The connection is the client's already, so a failure is told there, as Docker does; the exit code says it too. */
async function startOrTell(
  client: Hijacked,
  tty: boolean,
  start: () => Promise<StartedExec>,
): Promise<StartedExec | undefined> {
  try {
    return await start();
  } catch (error) {
    const text = Buffer.from(`${messageOf(error)}\r\n`);
    client.output.end(tty ? text : frame('stdout', text));
    return undefined;
  }
}
