import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import type { TypedValue } from '#/base/any.ts';
import { EngineError } from '#/base/errors.ts';
import { whyItFailed } from '#/core/tasks/run-shim.ts';
import { RuntimeInfoSchema } from '#/gen/containerd/types/introspection_pb.ts';
import { run } from '#/linux/spawn.ts';
import { anyOfValue, unpackMessage } from '#/rpc/any.ts';

const timeoutMs = 5000;
const maxOutput = 4 << 20;

const mostKnown = 64;
const allowMounts = 'containerd.io/runtime-allow-mounts';

/** Remembers which types of mounts a shim can do itself; of one that says nothing, none. */
export interface RuntimeMounts {
  of(binary: string): Promise<readonly string[]>;
}

export function createRuntimeMounts(): RuntimeMounts {
  const known = new Map<string, Promise<readonly string[]>>();
  return {
    of: async (binary) => {
      const found = known.get(binary) ?? readAllowedMounts(binary);
      if (known.size >= mostKnown) known.clear();
      known.set(binary, found);
      return await found;
    },
  };
}

async function readAllowedMounts(binary: string): Promise<readonly string[]> {
  const info = await readRuntimeInfo(binary).catch(() => undefined);
  if (info === undefined) return [];
  const { annotations } = unpackMessage(RuntimeInfoSchema, info);
  return (annotations[allowMounts] ?? '').split(',').filter((type) => type !== '');
}

/** Asks a shim's program what it is and can do, with `-info`. Programs older than that fail, in words of their own. */
export async function readRuntimeInfo(binary: string, options?: TypedValue): Promise<TypedValue> {
  const input = options === undefined ? Buffer.of() : toBinary(AnySchema, anyOfValue(options));
  const result = await run({ file: binary, args: ['-info'], env: process.env, input, timeoutMs, maxOutput });
  if (result.code !== 0)
    throw new EngineError('unknown', `Cannot ask runtime "${binary}" about itself: ${whyItFailed(result)}`);
  try {
    fromBinary(RuntimeInfoSchema, result.stdout);
  } catch (error) {
    throw new EngineError('unknown', `Cannot read what runtime "${binary}" says of itself`, { cause: error });
  }
  return { typeUrl: RuntimeInfoSchema.typeName, value: result.stdout };
}
