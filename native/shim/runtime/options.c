#include "options.h"

#include <string.h>

static const char type_name[] = "containerd.runc.v1.Options";

/* Type URLs may have a host before them. */
static bool is_type(const char *url, const char *name) {
  const char *last = strrchr(url, '/');
  return strcmp(last == NULL ? url : last + 1, name) == 0;
}

bool options_unpack(options_t **options, const Google__Protobuf__Any *any, struct failure *failure) {
  static const uint8_t nothing[1];
  bool given = any != NULL && any->value.len > 0;
  if (given && !is_type(any->type_url, type_name))
    return fail(failure, INVALID_ARGUMENT, "Cannot use options of type \"%s\": this shim knows \"%s\"", any->type_url, type_name);
  *options = containerd__runc__v1__options__unpack(NULL, given ? any->value.len : 0, given ? any->value.data : nothing);
  return *options != NULL || fail(failure, INVALID_ARGUMENT, "Cannot use options: they are no %s", type_name);
}

void options_free(options_t *options) { containerd__runc__v1__options__free_unpacked(options, NULL); }
