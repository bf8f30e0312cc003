#ifndef BERTH_SHIM_RUNTIME_LOG_H
#define BERTH_SHIM_RUNTIME_LOG_H

#include <stddef.h>

/* How long the runtime's log is: what a run adds stands behind. 0 where there is none. */
size_t runtime_log_size(const char *path);

/* The last error of a log (JSON lines, level "error") from there on; what is no JSON ends the search. "" where there is none. */
void runtime_log_error(const char *path, size_t offset, char *text, size_t size);

#endif
