/* berth.node: the kernel calls that Node lacks. No state: any number of threads may load it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "addon.h"

struct job {
  const struct operation *operation;
  napi_async_work work;
  napi_deferred deferred;
  int result;
  _Alignas(max_align_t) unsigned char request[];
};

napi_value number_of(napi_env env, int result) {
  napi_value value = NULL;
  napi_create_int32(env, result, &value);
  return value;
}

static napi_value reply_of(napi_env env, const struct operation *operation, void *request, int result) {
  if (result < 0 || operation->reply == NULL) return number_of(env, result);
  return operation->reply(env, request, result);
}

static int read_arguments(napi_env env, napi_callback_info info, struct arguments *in, const struct operation **operation) {
  void *data = NULL;
  in->env = env;
  in->count = MAX_ARGUMENTS;
  in->next = 0;
  in->error = 0;
  if (napi_get_cb_info(env, info, &in->count, in->values, NULL, &data) != napi_ok) return -EINVAL;
  *operation = data;
  return in->count > MAX_ARGUMENTS ? -EINVAL : 0;
}

static napi_value call_sync(napi_env env, napi_callback_info info) {
  struct arguments in;
  const struct operation *operation = NULL;
  int error = read_arguments(env, info, &in, &operation);
  if (error != 0) return number_of(env, error);
  max_align_t request[operation->size / sizeof(max_align_t) + 1];
  operation->read(&in, request);
  if (in.error != 0) return number_of(env, in.error);
  return reply_of(env, operation, request, operation->run(request));
}

static void execute_job(napi_env env, void *data) {
  (void)env;
  struct job *job = data;
  job->result = job->operation->run(job->request);
}

static void complete_job(napi_env env, napi_status status, void *data) {
  struct job *job = data;
  int result = status == napi_ok ? job->result : -ECANCELED;
  napi_resolve_deferred(env, job->deferred, reply_of(env, job->operation, job->request, result));
  napi_delete_async_work(env, job->work);
  free(job);
}

static int start_job(napi_env env, struct job *job, napi_value *promise) {
  napi_value name = NULL;
  if (napi_create_string_utf8(env, job->operation->name, NAPI_AUTO_LENGTH, &name) != napi_ok) return -ENOMEM;
  if (napi_create_async_work(env, NULL, name, execute_job, complete_job, job, &job->work) != napi_ok) return -ENOMEM;
  if (napi_create_promise(env, &job->deferred, promise) == napi_ok && napi_queue_async_work(env, job->work) == napi_ok)
    return 0;
  napi_delete_async_work(env, job->work);
  return -ENOMEM;
}

static napi_value call_async(napi_env env, napi_callback_info info) {
  struct arguments in;
  const struct operation *operation = NULL;
  int error = read_arguments(env, info, &in, &operation);
  if (error != 0) return number_of(env, error);
  struct job *job = malloc(sizeof(*job) + operation->size);
  if (job == NULL) return number_of(env, -ENOMEM);
  job->operation = operation;
  operation->read(&in, job->request);
  napi_value promise = NULL;
  error = in.error != 0 ? in.error : start_job(env, job, &promise);
  if (error == 0) return promise;
  free(job);
  return number_of(env, error);
}

static napi_status export_function(napi_env env, napi_value exports, const char *name, napi_callback call, void *data) {
  napi_value function = NULL;
  napi_status status = napi_create_function(env, name, NAPI_AUTO_LENGTH, call, data, &function);
  return status == napi_ok ? napi_set_named_property(env, exports, name, function) : status;
}

static napi_status export_family(napi_env env, napi_value exports, const struct operation *operation) {
  napi_status status = napi_ok;
  for (; status == napi_ok && operation->name != NULL; operation++) {
    void *data = (void *)(uintptr_t)operation;
    char name[64];
    snprintf(name, sizeof name, "%sAsync", operation->name);
    if (operation->modes & SYNC) status = export_function(env, exports, operation->name, call_sync, data);
    if (status == napi_ok && operation->modes & ASYNC) status = export_function(env, exports, name, call_async, data);
  }
  return status;
}

NAPI_MODULE_INIT() {
  const struct operation *const families[] = {
      mount_operations, mapped_operations, loop_operations,   spawn_operations,  xattr_operations,
      node_operations,  time_operations,   unpack_operations, root_operations,   lock_operations,
      socket_operations, memory_operations, netfilter_operations, remove_operations, sync_operations,
  };
  napi_status status = export_function(env, exports, "watchExit", watch_exit, NULL);
  for (size_t i = 0; status == napi_ok && i < sizeof families / sizeof families[0]; i++)
    status = export_family(env, exports, families[i]);
  if (status != napi_ok) napi_throw_error(env, NULL, "Cannot set up berth.node");
  return exports;
}
