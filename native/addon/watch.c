/* Hears of a child's end on the event loop and reaps it. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "addon.h"

struct watch {
  uv_poll_t poll;
  int pidfd;
  napi_env env;
  napi_ref callback;
  napi_async_cleanup_hook_handle cleanup;
};

static void on_closed(uv_handle_t *handle) {
  struct watch *watch = handle->data;
  close(watch->pidfd);
  if (watch->cleanup != NULL) napi_remove_async_cleanup_hook(watch->cleanup);
  free(watch);
}

static void close_watch(struct watch *watch) {
  uv_handle_t *handle = (uv_handle_t *)&watch->poll;
  if (!uv_is_closing(handle)) uv_close(handle, on_closed);
}

/* The thread ends first: nobody will hear of the exit. */
static void on_teardown(napi_async_cleanup_hook_handle cleanup, void *data) {
  (void)cleanup;
  close_watch(data);
}

/* callback(code, signal): one of them is -1, or both when the status is lost. */
static void report(struct watch *watch, int code, int signal) {
  napi_handle_scope scope = NULL;
  if (napi_open_handle_scope(watch->env, &scope) != napi_ok) return;
  napi_value callback = NULL;
  napi_value global = NULL;
  napi_value values[2] = {number_of(watch->env, code), number_of(watch->env, signal)};
  napi_get_reference_value(watch->env, watch->callback, &callback);
  napi_get_global(watch->env, &global);
  napi_delete_reference(watch->env, watch->callback);
  napi_make_callback(watch->env, NULL, global, callback, 2, values, NULL);
  napi_close_handle_scope(watch->env, scope);
}

static void on_ready(uv_poll_t *poll, int status, int events) {
  (void)events;
  struct watch *watch = poll->data;
  siginfo_t info = {0};
  int result = waitid(P_PIDFD, (id_t)watch->pidfd, &info, WEXITED | WNOHANG);
  if (status == 0 && result == 0 && info.si_pid == 0) return;
  uv_poll_stop(poll);
  close_watch(watch);
  bool known = result == 0 && info.si_pid != 0;
  bool exited = info.si_code == CLD_EXITED;
  report(watch, known && exited ? info.si_status : -1, known && !exited ? info.si_status : -1);
}

/* From uv_poll_init on, the watch is freed by on_closed only. */
static int start_watch(struct watch *watch, uv_loop_t *loop) {
  int error = uv_poll_init(loop, &watch->poll, watch->pidfd);
  if (error != 0) {
    close(watch->pidfd);
    free(watch);
    return error;
  }
  watch->poll.data = watch;
  if (napi_add_async_cleanup_hook(watch->env, on_teardown, watch, &watch->cleanup) != napi_ok) error = -ENOMEM;
  if (error == 0) error = uv_poll_start(&watch->poll, UV_READABLE, on_ready);
  if (error != 0) close_watch(watch);
  return error;
}

static int open_watch(napi_env env, int pidfd, bool keep_alive, napi_value callback) {
  uv_loop_t *loop = NULL;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) return -EINVAL;
  struct watch *watch = calloc(1, sizeof *watch);
  if (watch == NULL) return -ENOMEM;
  watch->env = env;
  watch->pidfd = fcntl(pidfd, F_DUPFD_CLOEXEC, 0);
  int error = watch->pidfd < 0 ? -errno : 0;
  if (error == 0 && napi_create_reference(env, callback, 1, &watch->callback) != napi_ok) {
    close(watch->pidfd);
    error = -EINVAL;
  }
  if (error != 0) {
    free(watch);
    return error;
  }
  error = start_watch(watch, loop);
  if (error == 0 && !keep_alive) uv_unref((uv_handle_t *)&watch->poll);
  return error;
}

napi_value watch_exit(napi_env env, napi_callback_info info) {
  struct arguments in = {.env = env, .count = 3};
  if (napi_get_cb_info(env, info, &in.count, in.values, NULL, NULL) != napi_ok || in.count < 3)
    return number_of(env, -EINVAL);
  int pidfd = take_int(&in);
  bool keep_alive = take_int(&in) != 0;
  if (in.error != 0) return number_of(env, in.error);
  return number_of(env, open_watch(env, pidfd, keep_alive, in.values[2]));
}
