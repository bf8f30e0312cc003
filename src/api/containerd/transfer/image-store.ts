import type { ContainerdCore } from '#/api/containerd/core.ts';
import type { TypedValue } from '#/base/any.ts';
import { EngineError } from '#/base/errors.ts';
import type { ContentSelection, NameTargets, UnpackTarget } from '#/core/images/contract.ts';
import { namesOfTarget, type NamingRules } from '#/core/images/name-targets.ts';
import { checkLabels } from '#/core/metadata/label-limits.ts';
import type { Platform as WirePlatform } from '#/gen/containerd/types/platform_pb.ts';
import { ImageStoreSchema } from '#/gen/containerd/types/transfer/imagestore_pb.ts';
import { hostPlatform, normalizePlatform, type Platform } from '#/oci/platform.ts';
import { unpackMessage } from '#/rpc/any.ts';

/** The image store as one end of a transfer. */
export interface StoreEnd extends NamingRules {
  readonly selection: ContentSelection & { readonly platforms: readonly Platform[] };
  readonly unpacks: readonly UnpackTarget[];
}

export function readImageStore(core: ContainerdCore, value: TypedValue): StoreEnd {
  const { name, labels, platforms, allMetadata, manifestLimit, extraReferences, unpacks } = unpackMessage(
    ImageStoreSchema,
    value,
  );
  return {
    name,
    labels: checkLabels(`image "${name}"`, { ...labels }),
    references: extraReferences,
    selection: { platforms: platforms.map(readPlatform), allMetadata, manifestLimit },
    unpacks: unpacks.map(({ platform, snapshotter }) => ({
      platform: platform === undefined || platform.os === '' ? hostPlatform() : readPlatform(platform),
      snapshotter: snapshotter === '' ? core.snapshotter : snapshotter,
    })),
  };
}

/** Throws `not-found`, as containerd does, when the rules give no name at all. */
export function namesOfStore(end: StoreEnd): NameTargets {
  return (target) => {
    const names = namesOfTarget(end, target);
    if (names.length > 0) return names;
    throw new EngineError('not-found', `Cannot store image ${target.digest}: no name was given for it`);
  };
}

export function readPlatform({ os, architecture, variant, osVersion }: WirePlatform): Platform {
  if (os === '' || architecture === '')
    throw new EngineError(
      'invalid-argument',
      'Cannot use a platform that lacks an operating system or an architecture',
    );
  return normalizePlatform({
    os,
    architecture,
    ...(variant === '' ? {} : { variant }),
    ...(osVersion === '' ? {} : { 'os.version': osVersion }),
  });
}
