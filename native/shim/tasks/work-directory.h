#ifndef BERTH_SHIM_WORK_DIRECTORY_H
#define BERTH_SHIM_WORK_DIRECTORY_H

/* Copies a regular file. 0 or -errno. */
int file_copy(const char *from, const char *to);

/* Removes a directory that criu has filled: files, and no directories below. */
void directory_remove(const char *path);

#endif
