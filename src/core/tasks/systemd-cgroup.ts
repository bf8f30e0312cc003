import type { TypedValue } from '#/base/any.ts';
import { OptionsSchema } from '#/gen/containerd/runc/v1/options_pb.ts';
import { holdsMessage, unpackMessage } from '#/rpc/any.ts';

/** Whether a runtime's options have its containers put into scopes of systemd's instead of cgroups made by hand. */
export function usesSystemdCgroup(options: TypedValue | undefined): boolean {
  return options !== undefined && holdsMessage(options, OptionsSchema)
    ? unpackMessage(OptionsSchema, options).systemdCgroup
    : false;
}
