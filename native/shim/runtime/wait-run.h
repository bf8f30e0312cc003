#ifndef BERTH_SHIM_WAIT_RUN_H
#define BERTH_SHIM_WAIT_RUN_H

#include "runtime.h"

/* Runs a command line to its end, for programs that have nothing else to do. To be closed with run_close(). */
bool wait_run(struct runtime_call *call, const char *log, const struct words *words, int64_t limit_ms, struct failure *failure);

#endif
