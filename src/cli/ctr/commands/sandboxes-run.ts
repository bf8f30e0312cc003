import { readFile } from 'node:fs/promises';
import { EngineError, messageOf } from '#/base/errors.ts';
import { exactly } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { runcRuntime } from '#/oci/runtime-names.ts';
import { text } from '#/cli/flags.ts';
import { Controller, Store } from '#/gen/containerd/services/sandbox/v1/sandbox_pb.ts';
import { specTypeUrl } from '#/oci/runtime-spec.ts';
import { anyOfValue, packJson } from '#/rpc/any.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] SPEC.json NAME',
  about: 'Make a sandbox of a runtime spec, start it, and show its id',
  flags: { runtime: text('', 'NAME', `Runtime (default "${runcRuntime}")`) },
  arity: exactly(2),
  run: async ({ flags, args, out, connect }) => {
    const [path = '', sandboxId = ''] = args;
    const spec = await readSpec(path);
    const client = await connect();
    const name = flags.runtime ?? runcRuntime;
    const sandboxer = 'shim';
    const wanted = { sandboxId, runtime: { name }, spec: anyOfValue(packJson(specTypeUrl, spec)), sandboxer };
    const { sandbox = wanted } = await client.call(Store.method.create, { sandbox: wanted });
    try {
      await client.call(Controller.method.create, { sandboxId, sandboxer, sandbox });
      await client.call(Controller.method.start, { sandboxId, sandboxer });
    } catch (error) {
      await client.call(Controller.method.shutdown, { sandboxId, sandboxer }).catch(() => {});
      await client.call(Store.method.delete, { sandboxId }).catch(() => {});
      throw error;
    }
    out.line(sandboxId);
  },
});

async function readSpec(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw new EngineError('invalid-argument', `Cannot read the spec in "${path}": ${messageOf(error)}`, {
      cause: error,
    });
  }
}
