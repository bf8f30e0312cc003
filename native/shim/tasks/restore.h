#ifndef BERTH_SHIM_RESTORE_H
#define BERTH_SHIM_RESTORE_H

#include "operation.h"

/* Start of a container that was created from a checkpoint: here the runtime makes it, and it runs. */
void restore_start(struct operation *operation);

#endif
