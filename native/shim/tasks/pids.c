#include <stdlib.h>
#include <string.h>

#include "messages.h"
#include "containerd/runc/v1/options.pb-c.h"
#include "operation.h"
#include "service.h"
#include "shim/runtime/json.h"

/* `runc ps` lists up to this many; the rest is not told. */
enum { PIDS_MOST = 32768 };

typedef Containerd__V1__Types__ProcessInfo process_info;
typedef Containerd__Runc__V1__ProcessDetails process_details;

struct reader {
  struct operation *operation;
  Containerd__Task__V3__PidsResponse response;
  size_t room;
  bool failed;
};

/* Which of the added processes it is, told as containerd's shim tells it. */
static bool describe(struct arena *arena, const struct process *process, process_info *info) {
  process_details details = CONTAINERD__RUNC__V1__PROCESS_DETAILS__INIT;
  details.exec_id = process->id;
  Google__Protobuf__Any *any = arena_take(arena, sizeof *any);
  uint8_t *packed = arena_take(arena, containerd__runc__v1__process_details__get_packed_size(&details));
  if (any == NULL || packed == NULL) return false;
  google__protobuf__any__init(any);
  any->type_url = (char *)"containerd.runc.v1.ProcessDetails";
  any->value = (ProtobufCBinaryData){ .len = containerd__runc__v1__process_details__pack(&details, packed), .data = packed };
  info->info = any;
  return true;
}

static bool grow(struct reader *reader, struct arena *arena) {
  if (reader->response.n_processes < reader->room) return true;
  size_t room = reader->room == 0 ? 16 : reader->room * 2;
  process_info **list = room > PIDS_MOST ? NULL : arena_take(arena, room * sizeof *list);
  if (list == NULL) return false;
  if (reader->room > 0) memcpy(list, reader->response.processes, reader->room * sizeof *list);
  reader->response.processes = list;
  reader->room = room;
  return true;
}

static bool add(struct reader *reader, pid_t pid) {
  struct arena *arena = &reader->operation->call->arena;
  process_info *info = grow(reader, arena) ? arena_take(arena, sizeof *info) : NULL;
  if (info == NULL) return false;
  containerd__v1__types__process_info__init(info);
  info->pid = (uint32_t)pid;
  reader->response.processes[reader->response.n_processes++] = info;
  for (struct process *process = reader->operation->container->execs; process != NULL; process = process->next)
    if (process->pid == pid) return describe(arena, process, info);
  return true;
}

static void visit(struct json *json, const struct json_value *value) {
  struct reader *reader = json->context;
  if (!json_at(json, 1, "[]") || value->kind != JSON_NUMBER || reader->failed) return;
  char digits[16] = "";
  if (value->length < sizeof digits) memcpy(digits, value->text, value->length);
  long pid = strtol(digits, NULL, 10);
  if (pid > 0 && !add(reader, (pid_t)pid)) reader->failed = true;
}

static void listed(struct operation *operation) {
  const struct run *run = &operation->runtime.run;
  struct failure failure;
  struct reader reader = { .operation = operation, .response = CONTAINERD__TASK__V3__PIDS_RESPONSE__INIT };
  struct json json = { .visit = visit, .context = &reader };
  bool good = runtime_call_result(&operation->runtime, "OCI runtime ps failed", &failure);
  if (good && (run->text == NULL || !json_read(&json, run->text, run->length)))
    good = fail(&failure, UNKNOWN, "OCI runtime ps failed: it printed no list of pids");
  if (good && reader.failed) good = fail(&failure, RESOURCE_EXHAUSTED, "Cannot list pids: there are too many");
  if (good) operation_answer(operation, &reader.response);
  else operation_fail(operation, &failure);
}

static void begin(struct operation *operation) {
  struct container *container = operation->container;
  struct words words;
  struct failure failure;
  runtime_words(&container->runtime, container->runtime.log, "ps", &words);
  words_pair(&words, "--format", "json");
  words_add(&words, container->id);
  if (!operation_run_captured(operation, &words, listed, &failure)) operation_fail(operation, &failure);
}

void serve_pids(struct call *call, const void *message) {
  const pids_request *request = message;
  struct container *container = service_container(call, request->id);
  if (container != NULL) operation_begin(&container->init, call, request, begin);
}
