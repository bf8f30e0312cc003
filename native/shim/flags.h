#ifndef BERTH_SHIM_FLAGS_H
#define BERTH_SHIM_FLAGS_H

#include "base/failure.h"

/* The command line that containerd gives to every shim: flags, then what to do. */
struct flags {
  const char *namespace, *id, *address, *publish_binary, *bundle, *socket, *debug_socket;
  bool debug, version, info;
  char *action; /* "start", "delete", or "" */
};

/* Flags have one dash or two, and their values stand in the next word or after "=". */
bool flags_read(struct flags *flags, int count, char **words, struct failure *failure);

#endif
