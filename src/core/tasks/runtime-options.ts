import { basename, join } from 'node:path';
import type { TypedValue } from '#/base/any.ts';
import { OptionsSchema } from '#/gen/containerd/runc/v1/options_pb.ts';
import { holdsMessage, packMessage, unpackMessage } from '#/rpc/any.ts';

const usualFolder = 'runc';
/** Runtimes whose state runc cannot read. */
const foldersOfTheirOwn = ['crun', 'runsc'];

/**
 * The options that a shim gets. containerd's shim keeps its runtime's state in a fixed place unless told otherwise;
 * ours belongs to the daemon's state directory, so that daemons side by side do not meet.
 */
export function runtimeOptions(state: string, options: TypedValue | undefined, binary: string): TypedValue | undefined {
  const given = options !== undefined && options.value.length + options.typeUrl.length > 0 ? options : undefined;
  if (given === undefined)
    return /^containerd-shim-(?:runc|berth)-v\d+$/.test(basename(binary))
      ? packMessage(OptionsSchema, { root: join(state, usualFolder) })
      : undefined;
  if (!holdsMessage(given, OptionsSchema)) return given;
  const message = unpackMessage(OptionsSchema, given);
  if (message.root !== '') return given;
  const program = basename(message.binaryName);
  const root = join(state, foldersOfTheirOwn.includes(program) ? program : usualFolder);
  return packMessage(OptionsSchema, { ...message, root });
}
