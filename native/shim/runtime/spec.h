#ifndef BERTH_SHIM_SPEC_H
#define BERTH_SHIM_SPEC_H

#include <stdbool.h>
#include <stddef.h>

#include "base/failure.h"

enum { GROUP_SIZE = 512 };

/* What a shim needs to know of a container's config.json. */
struct spec {
  bool has_own_pids; /* a pid namespace of its own, with which all its processes end */
  char group[GROUP_SIZE]; /* containers of one group have one shim; "" for none */
};

/* Reads the bundle's config.json; the failure says when there is none, or it is no JSON object. */
bool spec_read(const char *bundle, struct spec *spec, struct failure *failure);

/*
 * A process of the runtime spec, as JSON, with another `terminal`. To be freed; NULL when it is no JSON object, or
 * without memory.
 */
char *spec_process(const char *json, size_t length, bool terminal, size_t *size);

/* Whether this is a JSON object. */
bool spec_is_object(const char *json, size_t length);

#endif
