#ifndef BERTH_CGROUP_COUNTERS_H
#define BERTH_CGROUP_COUNTERS_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The forms in which the kernel gives counters. 0 or -errno: -EBADMSG where a file is not of its form, and -ENOENT or
 * -ENODEV, which is_gone() knows, where the kernel does not have the file or the cgroup is no more.
 */

static inline bool is_gone(int error) { return error == -ENOENT || error == -ENODEV; }

/* A whole decimal number. False: it is none, or too big. A negative one, which some files say for "none", is 0. */
bool parse_number(const char *text, uint64_t *number);

/* A file of one number, or "max", which stands for `max`. */
int read_number(int directory, const char *name, uint64_t max, uint64_t *number);

/* Where in a struct the number of a key goes. Written out, not pointed to: such a table needs no relocation. */
struct counter {
  char key[30];
  uint16_t at;
};

/* A file of lines "key number". Keys that the table does not have are passed over; those that are missing stay. */
int read_counters(int directory, const char *name, const struct counter *table, size_t count, void *into);

/* One of its lines, which is cut. */
int put_counter(char *line, const struct counter *table, size_t count, void *into);

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

#endif
