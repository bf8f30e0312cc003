#ifndef BERTH_SHIM_PID_FILE_H
#define BERTH_SHIM_PID_FILE_H

#include <stddef.h>

#include "shim.h"

/* BUNDLE/init.pid or BUNDLE/ID.pid, which the runtime writes. */
void pid_file_path(const struct process *process, char *path, size_t size);
bool pid_file_read(const struct process *process, pid_t *pid, struct failure *failure);

/* The number in such a file; 0 where there is none. */
pid_t pid_file_number(const char *path);

#endif
