#include "greeting.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "containerd/runtime/bootstrap/v1/bootstrap.pb-c.h"

enum { GREETING_MOST = 10 << 20, NEWEST_VERSION = 3 };

typedef Containerd__Runtime__Bootstrap__V1__BootstrapParams bootstrap_params;

bool read_input(char **bytes, size_t *length, size_t most, struct failure *failure) {
  size_t room = 4096;
  char *text = malloc(room);
  *length = 0;
  while (text != NULL) {
    ssize_t count = read(STDIN_FILENO, text + *length, room - *length);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break; /* a closed one is an empty one */
    *length += (size_t)count;
    if (*length > most) {
      free(text);
      return fail(failure, INVALID_ARGUMENT, "Cannot read standard input: it is longer than %zu bytes", most);
    }
    if (*length < room) continue;
    char *larger = realloc(text, room *= 2);
    if (larger == NULL) free(text);
    text = larger;
  }
  *bytes = text;
  return text != NULL || fail(failure, RESOURCE_EXHAUSTED, "Cannot read standard input: out of memory");
}

bool write_output(const void *bytes, size_t length, struct failure *failure) {
  const char *rest = bytes;
  while (length > 0) {
    ssize_t count = write(STDOUT_FILENO, rest, length);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(failure, UNKNOWN, "Cannot write standard output: %s", strerror(errno));
    rest += count;
    length -= (size_t)count;
  }
  return true;
}

/* The options among extensions of other types, which are for others. */
static const Google__Protobuf__Any *find_options(const bootstrap_params *params) {
  for (size_t i = 0; i < params->n_extensions; i++) {
    const Google__Protobuf__Any *value = params->extensions[i]->value;
    const char *name = value == NULL ? NULL : strrchr(value->type_url, '/');
    if (value != NULL && strcmp(name == NULL ? value->type_url : name + 1, "containerd.runc.v1.Options") == 0) return value;
  }
  return NULL;
}

static bool read_params(struct greeting *greeting, const bootstrap_params *params, struct failure *failure) {
  greeting->answer = ANSWER_RESULT;
  greeting->version = NEWEST_VERSION;
  /* Where events go: the environment says it too, for as long as daemons speak to older shims. */
  if (*params->containerd_ttrpc_address != '\0' && setenv("TTRPC_ADDRESS", params->containerd_ttrpc_address, 0) < 0)
    return fail(failure, RESOURCE_EXHAUSTED, "Cannot read the greeting: out of memory");
  greeting->socket_dir = strdup(params->socket_dir);
  if (greeting->socket_dir == NULL) return fail(failure, RESOURCE_EXHAUSTED, "Cannot read the greeting: out of memory");
  return options_unpack(&greeting->options, find_options(params), failure);
}

static bool read_legacy(struct greeting *greeting, const char *bytes, size_t length, struct failure *failure) {
  const char *most = getenv("MAX_SHIM_VERSION");
  int version = most == NULL ? 0 : atoi(most);
  greeting->answer = version >= 2 ? ANSWER_JSON : ANSWER_ADDRESS;
  greeting->version = version > NEWEST_VERSION ? NEWEST_VERSION : version >= 2 ? version : 2;
  greeting->socket_dir = strdup("");
  if (length == 0) return options_unpack(&greeting->options, NULL, failure);
  Google__Protobuf__Any *any = google__protobuf__any__unpack(NULL, length, (const uint8_t *)bytes);
  if (any == NULL) return fail(failure, INVALID_ARGUMENT, "Cannot read standard input: it is neither options nor BootstrapParams");
  bool good = options_unpack(&greeting->options, any, failure);
  google__protobuf__any__free_unpacked(any, NULL);
  return good;
}

bool greeting_read(struct greeting *greeting, const struct flags *flags, struct failure *failure) {
  char *bytes;
  size_t length;
  *greeting = (struct greeting){ 0 };
  if (!read_input(&bytes, &length, GREETING_MOST, failure)) return false;
  bootstrap_params *params =
    containerd__runtime__bootstrap__v1__bootstrap_params__unpack(NULL, length, (const uint8_t *)bytes);
  bool is_greeting = params != NULL && strcmp(params->instance_id, flags->id) == 0 && strcmp(params->namespace_, flags->namespace) == 0;
  bool good = is_greeting ? read_params(greeting, params, failure) : read_legacy(greeting, bytes, length, failure);
  containerd__runtime__bootstrap__v1__bootstrap_params__free_unpacked(params, NULL);
  free(bytes);
  return good;
}
