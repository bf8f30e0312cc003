#ifndef BERTH_SHIM_GREETING_H
#define BERTH_SHIM_GREETING_H

#include "flags.h"
#include "runtime/options.h"

/* What the caller of `start` says on standard input, and how it wants to be answered. */
struct greeting {
  enum { ANSWER_ADDRESS, ANSWER_JSON, ANSWER_RESULT } answer;
  int version; /* of the task service */
  options_t *options;
  char *socket_dir; /* "" for the usual one */
};

/*
 * BootstrapParams and an Any parse as each other; it is the former when it names the instance and namespace of the flags,
 * as containerd's own shim finds out. Nothing at all is no options.
 */
bool greeting_read(struct greeting *greeting, const struct flags *flags, struct failure *failure);

/* Reads all of standard input, which must be less than `most`; to be freed. */
bool read_input(char **bytes, size_t *length, size_t most, struct failure *failure);

/* Writes it all to standard output. */
bool write_output(const void *bytes, size_t length, struct failure *failure);

#endif
