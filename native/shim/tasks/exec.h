#ifndef BERTH_SHIM_EXEC_H
#define BERTH_SHIM_EXEC_H

#include "operation.h"

/* Starts a process that Exec has added, by its operation. */
void exec_start(struct operation *operation);

#endif
