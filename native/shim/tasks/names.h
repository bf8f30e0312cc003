#ifndef BERTH_SHIM_NAMES_H
#define BERTH_SHIM_NAMES_H

#include "base/failure.h"

/*
 * Ids become words of the runtime's command line and names of files: letters, digits and what containerd allows between
 * them, never a path, a flag or a hidden file. `what` is "container" or "process".
 */
bool name_check(const char *what, const char *id, struct failure *failure);

/* An absolute directory without "..", in which there is room for the names of files. */
bool bundle_check(const char *bundle, struct failure *failure);

#endif
