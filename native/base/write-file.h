#ifndef BERTH_WRITE_FILE_H
#define BERTH_WRITE_FILE_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Writes a whole file beside `path` and renames it, so that nobody ever reads half of one. What a process that dies
 * midway leaves is "PATH.new", which the next one overwrites. Not synced: it is for state that a reboot ends. 0 or -errno.
 */
int write_file(const char *path, const void *bytes, size_t length, mode_t mode);

#endif
