#ifndef BERTH_CGROUP_TEXT_H
#define BERTH_CGROUP_TEXT_H

#include <stdbool.h>
#include <stddef.h>

enum { TEXT_PIECE = 4096, TEXT_LIMIT = 8 * 1024 * 1024 };

/* A file of the kernel, read piece by piece (lines, or words) in little memory. */
struct text {
  int fd;
  int error; /* 0, or -errno of the read that failed; -EFBIG past the limit */
  bool skips, ended;
  size_t at, end, total;
  char bytes[TEXT_PIECE];
};

/* 0 or -errno. */
int text_open(struct text *text, int directory, const char *name);

/*
 * The next piece up to one of the separators, which is cut off; NULL at the end or after an error. Valid until the next
 * call. A piece that is longer than TEXT_PIECE is skipped: none that is looked for is.
 */
char *text_next(struct text *text, const char *separators);

/* Closes it and returns its error. */
int text_close(struct text *text);

/* Cuts a piece into fields, of which there is none empty; how many there are, at most `room`. */
size_t text_split(char *piece, const char *separators, char **fields, size_t room);

#endif
