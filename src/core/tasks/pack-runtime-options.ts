import type { TypedValue } from '#/base/any.ts';
import { EngineError } from '#/base/errors.ts';
import { OptionsSchema as RuncOptions } from '#/gen/containerd/runc/v1/options_pb.ts';
import { OptionsSchema as OtherOptions } from '#/gen/runtimeoptions/v1/options_pb.ts';
import { takesRuncOptions } from '#/oci/runtime-names.ts';
import { packMessage } from '#/rpc/any.ts';

/** A configuration's names for runc's options, and the message's. */
const names = {
  NoPivotRoot: 'noPivotRoot',
  NoNewKeyring: 'noNewKeyring',
  ShimCgroup: 'shimCgroup',
  IoUid: 'ioUid',
  IoGid: 'ioGid',
  BinaryName: 'binaryName',
  Root: 'root',
  SystemdCgroup: 'systemdCgroup',
  CriuImagePath: 'criuImagePath',
  CriuWorkPath: 'criuWorkPath',
} as const;

/** Gone since 1.6: CRIU is found on PATH. */
const ignored: ReadonlySet<string> = new Set(['CriuPath']);

/**
 * What a configuration says of a runtime, as its shim takes it; undefined where it says nothing. `body` is the same as
 * TOML, for shims that read that themselves. Throws `invalid-argument` for what runc's shim does not know.
 */
export function packRuntimeOptions(
  type: string,
  options: Readonly<Record<string, unknown>>,
  body: string,
): TypedValue | undefined {
  const given = Object.entries(options).filter(([, value]) => value !== '' && value !== false && value !== 0);
  if (given.length === 0) return undefined;
  if (takesRuncOptions(type)) return packRuncOptions(given);
  const { TypeUrl: typeUrl, ConfigPath: configPath } = options;
  if (typeof configPath === 'string' && configPath !== '')
    return packMessage(OtherOptions, { configPath, typeUrl: typeof typeUrl === 'string' ? typeUrl : '' });
  return packMessage(OtherOptions, { configBody: Buffer.from(body) });
}

function packRuncOptions(given: readonly (readonly [string, unknown])[]): TypedValue {
  const message: Record<string, unknown> = {};
  for (const [name, value] of given) {
    if (ignored.has(name)) continue;
    if (!isKnown(name)) throw mistake(name, 'the shim of runc has no such option');
    const wanted = typeof (emptyOptions[names[name]] ?? '');
    if (typeof value !== wanted) throw mistake(name, `expected a ${wanted}`);
    message[names[name]] = value;
  }
  return packMessage(RuncOptions, message);
}

const emptyOptions: Readonly<Record<string, string | number | boolean>> = {
  noPivotRoot: false,
  noNewKeyring: false,
  ioUid: 0,
  ioGid: 0,
  systemdCgroup: false,
};

const isKnown = (name: string): name is keyof typeof names => Object.hasOwn(names, name);

const mistake = (name: string, why: string): EngineError =>
  new EngineError('invalid-argument', `Cannot use option "${name}" of a runtime: ${why}`);
