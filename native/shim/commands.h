#ifndef BERTH_SHIM_COMMANDS_H
#define BERTH_SHIM_COMMANDS_H

#include "base/failure.h"
#include "flags.h"

#define SHIM_PROGRAM "containerd-shim-berth-v1"
#define SHIM_RUNTIME "io.containerd.berth.v1"

/*
 * Makes the shim of the bundle in which it is called, or finds that of its group, and prints where it listens: a
 * BootstrapResult for a caller that greeted with BootstrapParams, JSON for one with MAX_SHIM_VERSION, else the address.
 */
bool start_command(const struct flags *flags, struct failure *failure);

/* The shim itself, on -socket or on descriptor 3. Returns when it was shut down. */
bool serve_command(const struct flags *flags, struct failure *failure);

/*
 * Takes away what is left of a container whose shim is no more: container, mounts, its processes. Prints a
 * DeleteResponse, as the shim would have answered; what cannot be done is said on standard error and is no failure.
 */
bool delete_command(const struct flags *flags, struct failure *failure);

/* Prints a RuntimeInfo. */
bool info_command(const char *version, struct failure *failure);

#endif
