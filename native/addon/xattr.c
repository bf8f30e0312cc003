/* l*xattr(2): extended attributes of the path itself, links not followed */
#include <errno.h>
#include <string.h>
#include <sys/xattr.h>

#include "addon.h"

/* The kernel's own limits: XATTR_SIZE_MAX, XATTR_LIST_MAX, XATTR_NAME_MAX. */
enum { VALUE_SIZE = 65536, NAME_SIZE = 255 + 4 };

struct xattr_request {
  char path[PATH_SIZE];
  char name[NAME_SIZE];
  int flags;
  size_t length;
  unsigned char value[VALUE_SIZE];
};

static void read_named(struct arguments *in, void *request) {
  struct xattr_request *xattr = request;
  take_path(in, xattr->path);
  take_text(in, xattr->name, sizeof xattr->name);
}

static void read_set(struct arguments *in, void *request) {
  struct xattr_request *xattr = request;
  read_named(in, xattr);
  xattr->length = take_copy(in, xattr->value, sizeof xattr->value);
  xattr->flags = take_int(in);
}

static void read_path(struct arguments *in, void *request) {
  struct xattr_request *xattr = request;
  take_path(in, xattr->path);
}

static int run_get(void *request) {
  struct xattr_request *xattr = request;
  ssize_t length = lgetxattr(xattr->path, xattr->name, xattr->value, sizeof xattr->value);
  return length < 0 ? -errno : (int)length;
}

static int run_set(void *request) {
  const struct xattr_request *xattr = request;
  int result = lsetxattr(xattr->path, xattr->name, xattr->value, xattr->length, xattr->flags);
  return result == 0 ? 0 : -errno;
}

static int run_list(void *request) {
  struct xattr_request *xattr = request;
  ssize_t length = llistxattr(xattr->path, (char *)xattr->value, sizeof xattr->value);
  return length < 0 ? -errno : (int)length;
}

static int run_remove(void *request) {
  const struct xattr_request *xattr = request;
  return lremovexattr(xattr->path, xattr->name) == 0 ? 0 : -errno;
}

static napi_value value_of(napi_env env, void *request, int result) {
  const struct xattr_request *xattr = request;
  napi_value buffer = NULL;
  if (napi_create_buffer_copy(env, (size_t)result, xattr->value, NULL, &buffer) != napi_ok) return number_of(env, -ENOMEM);
  return buffer;
}

const struct operation xattr_operations[] = {
    {"lgetxattr", SYNC | ASYNC, sizeof(struct xattr_request), read_named, run_get, value_of},
    {"lsetxattr", SYNC | ASYNC, sizeof(struct xattr_request), read_set, run_set, NULL},
    {"llistxattr", SYNC | ASYNC, sizeof(struct xattr_request), read_path, run_list, value_of},
    {"lremovexattr", SYNC | ASYNC, sizeof(struct xattr_request), read_named, run_remove, NULL},
    {0},
};
