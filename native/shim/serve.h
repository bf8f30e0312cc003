#ifndef BERTH_SHIM_SERVE_H
#define BERTH_SHIM_SERVE_H

#include "base/failure.h"
#include "flags.h"

/* Serves on a listening socket, whose path goes when it ends ("" for one that is not ours to remove). */
bool serve(const struct flags *flags, int listener, const char *path, struct failure *failure);

#endif
