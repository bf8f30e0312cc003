#ifndef BERTH_SHIM_MOUNT_H
#define BERTH_SHIM_MOUNT_H

#include "base/failure.h"
#include "containerd/types/mount.pb-c.h"
#include "shim/runtime/words.h"

typedef Containerd__Types__Mount mount_request;

/* Whether a program has to make this mount: types fuse.NAME and fuse3.NAME. */
bool mount_needs_helper(const mount_request *request);

/* Its command line. */
void mount_helper_words(const mount_request *request, const char *target, struct words *words);

/*
 * Makes one mount of a root file system at `root`, or at request->target below it, which is found without leaving it.
 * Nothing is mounted when it fails.
 */
bool mount_make(const mount_request *request, const char *root, struct failure *failure);

/* What lies beside `root` while an overlay with shifted owners is made: a mount, if this process dies just then. */
#define ROOTFS_VIEW ".shifted"

/*
 * Undoes everything that is mounted at `root` and below it, however often; a mount that is busy goes when it is so no
 * more. 0 or -errno; where nothing is mounted there is nothing to do.
 */
int unmount_all(const char *root);

#endif
