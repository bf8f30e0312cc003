#include "options.h"

#include <stdlib.h>
#include <string.h>

#include "containerd/linux/runc/runc.pb-c.h"

static const char type_name[] = "containerd.runc.v1.Options";

/* What clients of containerd 1.x send where the runtime is not called io.containerd.runc. */
static const char old_type_name[] = "containerd.linux.runc.CreateOptions";

/* Type URLs may have a host before them. */
static bool is_type(const char *url, const char *name) {
  const char *last = strrchr(url, '/');
  return strcmp(last == NULL ? url : last + 1, name) == 0;
}

/* All of its own, to be freed as what was read. */
static bool copy(options_t **options, const options_t *from, struct failure *failure) {
  size_t size = containerd__runc__v1__options__get_packed_size(from);
  uint8_t *bytes = malloc(size + 1);
  if (bytes == NULL) return fail(failure, RESOURCE_EXHAUSTED, "Cannot use options: no memory");
  containerd__runc__v1__options__pack(from, bytes);
  *options = containerd__runc__v1__options__unpack(NULL, size, bytes);
  free(bytes);
  return *options != NULL || fail(failure, RESOURCE_EXHAUSTED, "Cannot use options: no memory");
}

/* A message of another type with the same wishes. */
static bool unpack_old(options_t **options, const Google__Protobuf__Any *any, struct failure *failure) {
  Containerd__Linux__Runc__CreateOptions *old =
    containerd__linux__runc__create_options__unpack(NULL, any->value.len, any->value.data);
  if (old == NULL) return fail(failure, INVALID_ARGUMENT, "Cannot use options: they are no %s", old_type_name);
  options_t given = CONTAINERD__RUNC__V1__OPTIONS__INIT;
  given.no_pivot_root = old->no_pivot_root;
  given.no_new_keyring = old->no_new_keyring;
  given.shim_cgroup = old->shim_cgroup;
  given.io_uid = old->io_uid;
  given.io_gid = old->io_gid;
  given.criu_work_path = old->criu_work_path;
  given.criu_image_path = old->criu_image_path;
  bool good = copy(options, &given, failure);
  containerd__linux__runc__create_options__free_unpacked(old, NULL);
  return good;
}

bool options_unpack(options_t **options, const Google__Protobuf__Any *any, struct failure *failure) {
  static const uint8_t nothing[1];
  bool given = any != NULL && any->value.len > 0;
  if (given && is_type(any->type_url, old_type_name)) return unpack_old(options, any, failure);
  if (given && !is_type(any->type_url, type_name))
    return fail(failure, INVALID_ARGUMENT, "Cannot use options of type \"%s\": this shim knows \"%s\"", any->type_url, type_name);
  *options = containerd__runc__v1__options__unpack(NULL, given ? any->value.len : 0, given ? any->value.data : nothing);
  return *options != NULL || fail(failure, INVALID_ARGUMENT, "Cannot use options: they are no %s", type_name);
}

void options_free(options_t *options) { containerd__runc__v1__options__free_unpacked(options, NULL); }
