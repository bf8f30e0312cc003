#include "board.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Less room than this is not worth a read. */
enum { LEAST_READ = 4096 };

/* Reads from a stream that is closed before its end. */
enum { LAST_READS = 16 };

/* Milliseconds until a quiet board gives its pages back. */
enum { QUIET = 1000 };

static enum stream stream_of(size_t index) { return index == 0 ? STREAM_STDOUT : STREAM_STDERR; }

static bool process_came(const struct board *board) {
  for (size_t i = 0; i < 2; i++)
    if (board->outputs[i].writer_came) return true;
  return false;
}

static bool has_ended(const struct board *board) {
  return !tap_is_open(&board->outputs[0]) && !tap_is_open(&board->outputs[1]);
}

static size_t readable_size(const struct board *board, enum stream stream) {
  size_t room = attach_room(&board->attach, stream);
  if (room < LEAST_READ) return 0;
  return room < BOARD_CHUNK ? room : BOARD_CHUNK;
}

/* Moves what a stream has to the log and to every client, as far as all of them have room. True while there may be more. */
static bool pump(struct board *board, size_t index, bool hung_up) {
  enum stream stream = stream_of(index);
  struct tap *tap = &board->outputs[index];
  size_t size = readable_size(board, stream);
  if (!tap_is_open(tap) || size == 0) return false;
  board->was_busy = true;
  ssize_t length = tap_judge(tap, read(tap->watch.source.fd, board->chunk, size), hung_up);
  if (length == 0) tap_end(tap);
  if (length <= 0) return false;
  log_write(&board->log, stream, board->chunk, (size_t)length);
  attach_deliver(&board->attach, stream, board->chunk, (size_t)length);
  return true;
}

/* Gives streams up that nobody came for. A read finds out whether somebody is there who has not written yet. */
static void look_for_process(struct board *board) {
  bool asked = board->gives_up || board->attach.abandoned;
  if ((asked || board->input.closing) && !process_came(board))
    for (size_t i = 0; i < 2; i++) (void)pump(board, i, false);
  if (asked && !process_came(board))
    for (size_t i = 0; i < 2; i++) tap_end(&board->outputs[i]);
  board->gives_up = board->attach.abandoned = false;
}

static int sooner(int one, int other) { return one < 0 ? other : other < 0 || one < other ? one : other; }

static void wait_for(struct board *board) {
  for (size_t i = 0; i < 2; i++) tap_wait(&board->outputs[i], readable_size(board, stream_of(i)) > 0);
  if (board->was_busy && !board->quiet.is_set) timer_set(board->loop, &board->quiet, QUIET);
}

/* After each event: goes as far as it can, then waits for what is needed now. Nothing is touched after `over`. */
static void settle(struct board *board) {
  int64_t now = board->loop->now;
  look_for_process(board);
  bool has_more = false;
  for (size_t i = 0; i < 2; i++)
    if (board->outputs[i].is_last && pump(board, i, false)) has_more = true;
  if (!board->awaits && has_ended(board) && !board->attach.ending) {
    input_drop(&board->input);
    log_close(&board->log);
    attach_end(&board->attach, now);
  }
  int next = sooner(input_tick(&board->input, process_came(board), now), attach_tick(&board->attach, now));
  if (board->attach.ending && attach_is_over(&board->attach) && !board->is_over) {
    board->is_over = true;
    timer_clear(board->loop, &board->timer);
    timer_clear(board->loop, &board->quiet);
    attach_close(&board->attach);
    return board->over(board->owner);
  }
  wait_for(board);
  timer_clear(board->loop, &board->timer);
  if (has_more) next = 0;
  if (next >= 0) timer_set(board->loop, &board->timer, next);
}

static void settle_later(struct timer *timer) { settle(holder_of(timer, struct board, timer)); }

static void settle_owner(void *owner) { settle(owner); }

static void output_ready(struct source *source, uint32_t events) {
  struct tap *tap = holder_of(source, struct tap, watch.source);
  struct board *board = tap->owner;
  (void)pump(board, tap == &board->outputs[0] ? 0 : 1, (events & EPOLLHUP) != 0);
  settle(board);
}

static void input_ready(struct source *source, uint32_t events) {
  (void)events;
  struct board *board = holder_of(source, struct board, input.watch.source);
  input_flush(&board->input);
  settle(board);
}

static void rest(struct timer *timer) {
  struct board *board = holder_of(timer, struct board, quiet);
  if (board->was_busy) {
    board->was_busy = false;
    return timer_set(board->loop, timer, QUIET);
  }
  (void)madvise(board->chunk, BOARD_CHUNK, MADV_DONTNEED);
  log_rest(&board->log);
  input_rest(&board->input);
  attach_rest(&board->attach);
}

static bool say(struct failure *failure, const char *what, const char *path, int error) {
  return fail(failure, error == -ENOENT ? NOT_FOUND : UNKNOWN, "Cannot open %s \"%s\": %s", what, path, strerror(-error));
}

static bool map_chunk(struct board *board, struct failure *failure) {
  int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  void *chunk = mmap(NULL, BOARD_CHUNK, PROT_READ | PROT_WRITE, flags, -1, 0);
  board->chunk = chunk == MAP_FAILED ? NULL : chunk;
  return board->chunk != NULL || fail(failure, RESOURCE_EXHAUSTED, "Cannot open streams: no memory");
}

static struct attach attach_for(struct board *board, const struct board_options *options) {
  return (struct attach){
    .loop = board->loop,
    .listener.source.fd = -1,
    .directory = -1,
    .input = &board->input,
    .log = &board->log,
    .owner = board,
    .changed = settle_owner,
    .stdin_once = options->stdin_once,
    .has_limit = options->log.path != NULL && options->log.format == LOG_CRI,
    .loses = options->non_blocking ? options->max_buffer : 0,
  };
}

bool board_open(struct board *board, struct loop *loop, const struct board_options *options, struct failure *failure) {
  *board = (struct board){ .loop = loop, .timer.due = settle_later, .quiet.due = rest, .log.file.fd = -1 };
  board->attach = attach_for(board, options);
  for (size_t i = 0; i < 2; i++) board_output(board, stream_of(i), -1, TAP_PIPE);
  int error = input_open(&board->input, loop, input_ready);
  if (error != 0) return say(failure, "stdin of", options->socket, error);
  if (!map_chunk(board, failure)) return false;
  error = log_open(&board->log, &options->log);
  if (error != 0) return say(failure, "the log", options->log.path, error);
  error = attach_open(&board->attach, options->socket);
  return error == 0 || say(failure, "the socket", options->socket, error);
}

void board_output(struct board *board, enum stream stream, int fd, enum tap_kind kind) {
  struct tap *tap = &board->outputs[stream - 1];
  tap_begin(tap, board->loop, fd, kind, output_ready);
  tap->owner = board;
  tap->writer_came = fd >= 0 && kind != TAP_FIFO;
  if (fd < 0) return;
  board->awaits = false;
  timer_set(board->loop, &board->timer, 0);
}

void board_input(struct board *board, int fd, bool is_fifo) { input_begin(&board->input, fd, is_fifo); }

void board_start(struct board *board, bool awaits) {
  board->awaits = awaits;
  timer_set(board->loop, &board->timer, 0);
}

void board_process_ended(struct board *board) {
  board->awaits = false;
  timer_set(board->loop, &board->timer, 0);
}

void board_end_input(struct board *board) {
  input_close(&board->input);
  timer_set(board->loop, &board->timer, 0);
}

void board_finish(struct board *board) {
  for (size_t i = 0; i < 2; i++) board->outputs[i].is_last = true;
  board_process_ended(board);
}

void board_give_up(struct board *board) {
  board->gives_up = true;
  timer_set(board->loop, &board->timer, 0);
}

/* What is in the pipes still gets into the log, though a client may be too slow for it. */
static void log_the_rest(struct board *board) {
  for (size_t i = 0; i < 2; i++)
    for (int reads = 0; reads < LAST_READS && tap_is_open(&board->outputs[i]); reads++) {
      ssize_t length = read(board->outputs[i].watch.source.fd, board->chunk, BOARD_CHUNK);
      if (length <= 0) break;
      log_write(&board->log, stream_of(i), board->chunk, (size_t)length);
    }
}

void board_close(struct board *board) {
  if (board->chunk != NULL) log_the_rest(board);
  timer_clear(board->loop, &board->timer);
  timer_clear(board->loop, &board->quiet);
  for (size_t i = 0; i < 2; i++) tap_end(&board->outputs[i]);
  input_free(&board->input);
  log_close(&board->log);
  attach_close(&board->attach);
  if (board->chunk != NULL) munmap(board->chunk, BOARD_CHUNK);
  board->chunk = NULL;
}
