#ifndef BERTH_READ_FILE_H
#define BERTH_READ_FILE_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Reads the start of a small file as text, ended by a zero byte; what does not fit is left. Neither a link nor something
 * that would make us wait is opened. How many bytes, or -errno (the text is empty then).
 */
ssize_t read_file(const char *path, char *text, size_t size);

#endif
