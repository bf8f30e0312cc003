#ifndef BERTH_SHIM_START_H
#define BERTH_SHIM_START_H

#include "operation.h"

/* The process runs: tells it, answers, and then tells its end if that has come already. */
void start_succeed(struct operation *operation);

#endif
