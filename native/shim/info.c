#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "containerd/types/introspection.pb-c.h"
#include "greeting.h"
#include "runtime/spec.h"
#include "runtime/wait-run.h"

enum { OPTIONS_MOST = 1 << 20, LIMIT_MS = 10 * 1000 };

static char features_type[] = "types.containerd.io/opencontainers/runtime-spec/1/features/Features";

/* NULL: none were given. */
static bool read_options(Google__Protobuf__Any **any, options_t **options, struct failure *failure) {
  char *bytes;
  size_t length;
  *any = NULL;
  if (!read_input(&bytes, &length, OPTIONS_MOST, failure)) return false;
  if (length > 0) *any = google__protobuf__any__unpack(NULL, length, (const uint8_t *)bytes);
  free(bytes);
  if (length > 0 && *any == NULL) return fail(failure, INVALID_ARGUMENT, "Cannot read standard input: it is no google.protobuf.Any");
  return options_unpack(options, *any, failure);
}

/* Older runtimes do not know the command; then there is nothing to tell. */
static bool read_features(const struct runtime *runtime, struct runtime_call *call, Google__Protobuf__Any *features, struct failure *failure) {
  struct words words;
  struct failure unknown;
  words_begin(&words);
  words_add(&words, runtime->binary);
  words_add(&words, "features");
  if (!wait_run(call, runtime->log, &words, LIMIT_MS, failure)) return false;
  if (!runtime_call_result(call, "features", &unknown) || !spec_is_object(call->run.text, call->run.length)) return true;
  features->type_url = features_type;
  features->value = (ProtobufCBinaryData){ .len = call->run.length, .data = (uint8_t *)call->run.text };
  return true;
}

static bool print(const char *version, Google__Protobuf__Any *options, Google__Protobuf__Any *features, struct failure *failure) {
  Containerd__Types__RuntimeVersion numbers = CONTAINERD__TYPES__RUNTIME_VERSION__INIT;
  Containerd__Types__RuntimeInfo info = CONTAINERD__TYPES__RUNTIME_INFO__INIT;
  numbers.version = (char *)version;
  info.name = (char *)SHIM_RUNTIME;
  info.version = &numbers;
  info.options = options;
  if (features->value.len > 0) info.features = features;
  size_t length = containerd__types__runtime_info__get_packed_size(&info);
  uint8_t *bytes = malloc(length);
  if (bytes == NULL) return fail(failure, RESOURCE_EXHAUSTED, "Cannot print what the runtime is: out of memory");
  bool good = write_output(bytes, containerd__types__runtime_info__pack(&info, bytes), failure);
  free(bytes);
  return good;
}

bool info_command(const char *version, struct failure *failure) {
  Google__Protobuf__Any *any, features = GOOGLE__PROTOBUF__ANY__INIT;
  options_t *options;
  struct runtime runtime;
  struct runtime_call call = { .run.text = NULL };
  if (!read_options(&any, &options, failure)) return false;
  if (!runtime_open(&runtime, options->binary_name, NULL, "none", "/nonexistent"))
    return fail(failure, RESOURCE_EXHAUSTED, "Cannot tell what the runtime is: out of memory");
  bool good = read_features(&runtime, &call, &features, failure) && print(version, any, &features, failure);
  run_close(&call.run);
  return good;
}
