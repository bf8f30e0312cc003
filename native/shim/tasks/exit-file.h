#ifndef BERTH_SHIM_EXIT_FILE_H
#define BERTH_SHIM_EXIT_FILE_H

#include "shim.h"

/*
 * BUNDLE/exit/ID, or BUNDLE/exit/init for the first process: how it ended, for a daemon that was away and for `delete`
 * after this shim's own death. {"pid":1,"status":0,"at":"2026-01-31T23:59:59.123456789Z"}
 */
void exit_file_write(const struct process *process);
void exit_file_remove(const struct process *process);

struct exit_record {
  pid_t pid;
  unsigned status;
  struct timespec at;
};

/* Reads that of the first process. False when there is none that can be read. */
bool exit_file_read(const char *bundle, struct exit_record *record);

#endif
