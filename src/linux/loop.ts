import { open, readlink } from 'node:fs/promises';
import { errnoOf } from '#/base/errors.ts';
import { addon } from '#/linux/addon.ts';
import { closeDescriptor } from '#/linux/descriptor.ts';
import { checkCall } from '#/linux/errno-error.ts';

/** A file as a block device, which goes when it is disposed and nothing is mounted from it. */
export interface LoopDevice extends Disposable {
  /** `/dev/loop7` */
  readonly path: string;
  /** Makes it stay without anybody who has it open, until `releaseLoop`. */
  keep(): void;
}

export interface AttachLoop {
  readonly readOnly: boolean;
  /** At most 63 bytes, by which `releaseLoop` knows the device again. */
  readonly tag: string;
}

const tagSize = 64;

export async function attachLoop(file: string, { readOnly, tag }: AttachLoop): Promise<LoopDevice> {
  if (Buffer.byteLength(tag) >= tagSize) throw new RangeError(`a loop device's tag has at most ${tagSize - 1} bytes`);
  const fd = checkCall(await addon().loopAttachAsync(file, readOnly ? 1 : 0, tag), 'loop_configure', { path: file });
  try {
    const path = await readlink(`/proc/self/fd/${fd}`);
    return {
      path,
      keep: () => checkCall(addon().loopSetAutoclear(fd, 0), 'loop_set_status', { path }),
      [Symbol.dispose]: () => closeDescriptor(fd),
    };
  } catch (error) {
    closeDescriptor(fd);
    throw error;
  }
}

/**
 * Lets a kept device go as soon as its last user has. Does nothing and gives false when the device is not there, or is
 * not the one with this tag any more.
 */
export async function releaseLoop(path: string, tag: string): Promise<boolean> {
  const device = await open(path, 'r').catch((error: unknown) => {
    if (['ENOENT', 'ENXIO', 'ENODEV'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  });
  if (device === undefined) return false;
  await using _device = device;
  if (tagOf(device.fd) !== tag) return false;
  checkCall(addon().loopSetAutoclear(device.fd, 1), 'loop_set_status', { path });
  return true;
}

function tagOf(fd: number): string | undefined {
  const tag = new Uint8Array(tagSize);
  const result = addon().loopTag(fd, tag);
  // ENXIO: no file is attached. ENOTTY: no loop device.
  if (result === -6 || result === -25) return undefined;
  checkCall(result, 'loop_get_status');
  return Buffer.from(tag).toString('utf8').replace(/\0.*$/s, '');
}
