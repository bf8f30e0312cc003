import { fromBinary } from '@bufbuild/protobuf';
import type { TypedValue } from '#/base/any.ts';
import { now } from '#/base/clock.ts';
import { EngineError } from '#/base/errors.ts';
import type { Bundle } from '#/core/tasks/bundle.ts';
import type { Exit } from '#/core/tasks/contract.ts';
import type { ShimAddresses } from '#/core/tasks/context.ts';
import { taskName } from '#/core/tasks/context.ts';
import type { ShimEndpoint } from '#/core/tasks/shim-answer.ts';
import { parseShimAnswer } from '#/core/tasks/shim-answer.ts';
import type { ShimDialect } from '#/core/tasks/shim-dialect.ts';
import { encodeGreeting } from '#/core/tasks/shim-dialect.ts';
import { timeOf } from '#/core/tasks/timestamp.ts';
import { DeleteResponseSchema } from '#/gen/containerd/task/v2/shim_pb.ts';
import type { RunResult } from '#/linux/spawn.ts';
import { run } from '#/linux/spawn.ts';

/** A shim's program and the bundle it works in. */
export interface ShimProgram {
  readonly binary: string;
  readonly bundle: Bundle;
  readonly addresses: ShimAddresses;
}

const startTimeout = 30_000;
const maxOutput = 1 << 20;

/** Runs the shim's `start`: the shim itself stays behind, and the answer says where. */
export async function startShim(
  program: ShimProgram,
  dialect: ShimDialect,
  options: TypedValue | undefined,
): Promise<ShimEndpoint> {
  const { bundle, addresses, binary } = program;
  const result = await run({
    file: binary,
    args: [...commonFlags(program), 'start'],
    env: shimEnvironment(program),
    cwd: bundle.path,
    input: encodeGreeting(dialect, { key: bundle.key, addresses, options }),
    timeoutMs: startTimeout,
    maxOutput,
  });
  if (result.code === 0) return parseShimAnswer(result.stdout);
  throw new EngineError(
    'unknown',
    `Cannot start shim "${binary}" for task "${taskName(bundle.key)}": ${whyItFailed(result)}`,
  );
}

/**
 * Runs the shim's `delete`: kills what is left of the container without a shim that answers, and tells how it ended.
 */
export async function deleteByShim(program: ShimProgram, timeoutMs: number): Promise<Exit> {
  const { binary, bundle } = program;
  const result = await run({
    file: binary,
    args: [...commonFlags(program), '-bundle', bundle.path, 'delete'],
    env: shimEnvironment(program),
    cwd: bundle.path,
    timeoutMs,
    maxOutput,
  });
  if (result.code !== 0)
    throw new EngineError(
      'unknown',
      `Cannot clean up task "${taskName(bundle.key)}" by "${binary}": ${whyItFailed(result)}`,
    );
  const { pid, exitStatus, exitedAt } = fromBinary(DeleteResponseSchema, result.stdout);
  const time = timeOf(exitedAt);
  return { pid, exitStatus, exitedAt: time === 0n ? now() : time };
}

function commonFlags({ bundle, addresses }: ShimProgram): string[] {
  const { namespace, id } = bundle.key;
  const { socketAddress, publishBinary } = addresses;
  return ['-namespace', namespace, '-id', id, '-address', socketAddress, '-publish-binary', publishBinary];
}

function shimEnvironment({ bundle, addresses }: ShimProgram): Record<string, string | undefined> {
  return {
    ...process.env,
    ...addresses.environment,
    GOMAXPROCS: '2',
    MAX_SHIM_VERSION: '2',
    TTRPC_ADDRESS: addresses.ttrpcAddress,
    GRPC_ADDRESS: addresses.socketAddress,
    NAMESPACE: bundle.key.namespace,
  };
}

/** What a program that failed said, or how it ended. */
export function whyItFailed({ code, signal, stdout, stderr }: RunResult): string {
  const said = [stderr, stdout].map((text) => text.toString('utf8').trim()).find((text) => text !== '');
  const ended = signal === undefined ? `it ended with code ${code ?? 'unknown'}` : `signal ${signal} ended it`;
  return said === undefined ? ended : said.slice(0, 4096);
}
