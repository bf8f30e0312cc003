import { basename } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import type { TypedValue } from '#/base/any.ts';
import { programIdentity } from '#/core/tasks/program-identity.ts';
import type { ShimAddresses, TaskKey } from '#/core/tasks/context.ts';
import { BootstrapParamsSchema } from '#/gen/containerd/runtime/bootstrap/v1/bootstrap_pb.ts';
import { run } from '#/linux/spawn.ts';
import { anyOfValue } from '#/rpc/any.ts';

/**
 * What a shim's `start` reads on its standard input. The two messages parse as each other, so which one a binary wants
 * must be known before: `legacy` is the options as an Any, `bootstrap` a BootstrapParams.
 */
export type ShimDialect = 'legacy' | 'bootstrap';

/** Remembers the dialect of each binary as long as its file stays the same. */
export interface ShimDialects {
  of(binary: string): Promise<ShimDialect>;
}

/** containerd's own shims read BootstrapParams from this release on; shims of others tell versions of their own. */
const firstBootstrap = { major: 2, minor: 3 } as const;
const ownShim = 'containerd-shim-runc-v2';
const versionTimeout = 5000;
const mostBinaries = 64;

export function createShimDialects(): ShimDialects {
  const known = new Map<string, Promise<ShimDialect>>();
  return {
    of: async (binary) => {
      const identity = await programIdentity(binary);
      const found = known.get(identity) ?? askDialect(binary);
      if (known.size >= mostBinaries) known.clear();
      known.set(identity, found);
      return await found;
    },
  };
}

async function askDialect(binary: string): Promise<ShimDialect> {
  if (basename(binary) !== ownShim) return 'legacy';
  try {
    const { stdout } = await run({
      file: binary,
      args: ['-v'],
      env: process.env,
      timeoutMs: versionTimeout,
      maxOutput: 64 * 1024,
    });
    return dialectOfVersion(stdout.toString('utf8'));
  } catch {
    return 'legacy';
  }
}

/** Reads what `-v` prints. A version without numbers is a development build, which is newer than any release. */
export function dialectOfVersion(text: string): ShimDialect {
  const [, version = ''] = /^\s*Version:\s*(\S+)/m.exec(text) ?? [];
  const [, major, minor] = /^v?(\d+)\.(\d+)/.exec(version) ?? [];
  if (major === undefined || minor === undefined) return version === '' ? 'legacy' : 'bootstrap';
  const newer = Number(major) > firstBootstrap.major;
  return newer || (Number(major) === firstBootstrap.major && Number(minor) >= firstBootstrap.minor)
    ? 'bootstrap'
    : 'legacy';
}

export interface ShimGreeting {
  readonly key: TaskKey;
  readonly addresses: ShimAddresses;
  readonly options: TypedValue | undefined;
}

export function encodeGreeting(dialect: ShimDialect, { key, addresses, options }: ShimGreeting): Uint8Array {
  if (dialect === 'legacy') return options === undefined ? Buffer.of() : toBinary(AnySchema, anyOfValue(options));
  return toBinary(
    BootstrapParamsSchema,
    create(BootstrapParamsSchema, {
      instanceId: key.id,
      namespace: key.namespace,
      containerdGrpcAddress: addresses.socketAddress,
      containerdTtrpcAddress: addresses.ttrpcAddress,
      containerdBinary: addresses.publishBinary,
      extensions: options === undefined ? [] : [{ value: anyOfValue(options) }],
    }),
  );
}
