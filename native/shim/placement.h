#ifndef BERTH_SHIM_PLACEMENT_H
#define BERTH_SHIM_PLACEMENT_H

#include <signal.h>
#include <sys/types.h>

#include "base/failure.h"

/*
 * Lets the kernel, when memory is short, take the shim rather than the daemon: one point above it. Where that is not
 * allowed (a user namespace), it stays as it is.
 */
void place_below(pid_t daemon, pid_t shim);

/* Moves the shim into a cgroup that exists, in every hierarchy that has it (ShimCgroup of the options). */
bool place_in_cgroup(const char *cgroup, pid_t shim, struct failure *failure);

#endif
