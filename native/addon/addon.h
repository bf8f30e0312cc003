/* The addon's own small frame: what turns a C function into a sync and an async JavaScript function. */
#ifndef BERTH_ADDON_H
#define BERTH_ADDON_H

#define NAPI_VERSION 8
#include <node_api.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

/* Room for the kernel's 4095 bytes and one whole UTF-8 character more: what is too long is seen as such, never cut. */
enum { PATH_SIZE = 4099, MAX_ARGUMENTS = 12 };

/* The arguments of one call. take_* read them in order; the first wrong one sets `error` and the call fails with it. */
struct arguments {
  napi_env env;
  size_t count;
  size_t next;
  int error;
  napi_value values[MAX_ARGUMENTS];
};

struct bytes {
  void *data;
  size_t length;
};

/* A string, or a Uint8Array for names that are not UTF-8. An embedded NUL is EINVAL, more than 4095 bytes ENAMETOOLONG. */
void take_path(struct arguments *in, char path[PATH_SIZE]);
/* The same for a text of at most `size - 4` bytes. */
void take_text(struct arguments *in, char *text, size_t size);
int64_t take_integer(struct arguments *in);
int take_int(struct arguments *in);
/* A user or group id; -1, which the kernel takes for "leave it", is refused. */
uint32_t take_id(struct arguments *in);
/* Two arguments: whole seconds, which may be negative, and nanoseconds. */
struct timespec take_time(struct arguments *in);
/* Points into the caller's Uint8Array: valid during a sync call only. */
struct bytes take_bytes(struct arguments *in);
/* Copies at most `size` bytes and returns how many; E2BIG when there are more. */
size_t take_copy(struct arguments *in, void *copy, size_t size);

enum { SYNC = 1, ASYNC = 2 };

/*
 * A kernel call: `read` fills a request of `size` bytes from the arguments, `run` does the work and returns a result or
 * -errno, `reply` (optional) makes the JavaScript value of a result that is not negative. ASYNC exports it as
 * `nameAsync` too, which runs on libuv's pool and gives a promise: its `read` must copy what it needs.
 */
struct operation {
  const char *name;
  unsigned modes;
  size_t size;
  void (*read)(struct arguments *in, void *request);
  int (*run)(void *request);
  napi_value (*reply)(napi_env env, void *request, int result);
};

/* The families, each ended by an operation without a name. */
extern const struct operation mount_operations[];
extern const struct operation mapped_operations[];
extern const struct operation spawn_operations[];
extern const struct operation xattr_operations[];
extern const struct operation node_operations[];
extern const struct operation time_operations[];
extern const struct operation unpack_operations[];
extern const struct operation root_operations[];
extern const struct operation lock_operations[];
extern const struct operation socket_operations[];
extern const struct operation memory_operations[];
extern const struct operation netfilter_operations[];
extern const struct operation remove_operations[];
extern const struct operation sync_operations[];
extern const struct operation loop_operations[];

/* watchExit(pidfd, keepAlive, callback): 0 or -errno; the descriptor stays the caller's. */
napi_value watch_exit(napi_env env, napi_callback_info info);

/* JavaScript's number for a result. */
napi_value number_of(napi_env env, int result);

#endif
