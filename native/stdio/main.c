/*
 * berth-stdio: owns the streams of one container process under a shim of somebody else, so that they outlive the daemon.
 *
 * Either the shim holds one end of each FIFO, this process the other; or the shim has started it as the logger of a
 * binary:// URI, whose parameters are its arguments (`--binary=1` among them).
 * Output goes to a log file and to every client attached on
 * the socket, input comes from them. It ends by itself when the process's streams have.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "board.h"
#include "fifo.h"
#include "options.h"

/* What containerd gives to a logger. */
enum { LOGGER_STDOUT = 3, LOGGER_STDERR = 4, LOGGER_READY = 5 };

struct program {
  struct loop loop;
  struct options options;
  struct board board;
  struct source signals;
};

static int complain(const char *what, const char *path, int error) {
  fprintf(stderr, "Cannot open %s \"%s\": %s\n", what, path, strerror(-error));
  return error;
}

/* SIGTERM: a logger is to end with what is there, others end when no process has come. */
static void signalled(struct source *source, uint32_t events) {
  (void)events;
  struct program *program = holder_of(source, struct program, signals);
  struct signalfd_siginfo info;
  while (read(source->fd, &info, sizeof info) == sizeof info) {
    if (info.ssi_signo != SIGTERM) continue;
    if (program->options.is_logger) board_finish(&program->board);
    else board_give_up(&program->board);
  }
}

static int open_signals(struct program *program) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  if (sigprocmask(SIG_BLOCK, &set, NULL) < 0) return -errno;
  program->signals = (struct source){ .fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC), .events = EPOLLIN };
  program->signals.ready = signalled;
  return program->signals.fd < 0 ? -errno : loop_add(&program->loop, &program->signals);
}

static int open_output(struct program *program, enum stream stream, const char *path) {
  if (path == NULL) return 0;
  int fd = fifo_open(path, O_RDONLY);
  if (fd < 0) return complain(stream == STREAM_STDOUT ? "the FIFO of stdout" : "the FIFO of stderr", path, fd);
  board_output(&program->board, stream, fd, TAP_FIFO);
  return 0;
}

static int open_fifos(struct program *program) {
  const struct options *options = &program->options;
  int error = open_output(program, STREAM_STDOUT, options->stdout_fifo);
  if (error == 0) error = open_output(program, STREAM_STDERR, options->stderr_fifo);
  if (error != 0 || options->stdin_fifo == NULL) return error;
  int fd = fifo_open(options->stdin_fifo, O_RDWR);
  if (fd < 0) return complain("the FIFO of stdin", options->stdin_fifo, fd);
  board_input(&program->board, fd, true);
  return 0;
}

static int take_pipes(struct program *program) {
  const int fds[] = { LOGGER_STDOUT, LOGGER_STDERR };
  for (size_t i = 0; i < 2; i++) {
    if (fcntl(fds[i], F_SETFL, O_NONBLOCK) < 0 || fcntl(fds[i], F_SETFD, FD_CLOEXEC) < 0)
      return complain("the descriptors of", "--binary", -errno);
    board_output(&program->board, i == 0 ? STREAM_STDOUT : STREAM_STDERR, fds[i], TAP_PIPE);
  }
  return 0;
}

static void stop(void *owner) { loop_stop(&((struct program *)owner)->loop); }

static int program_open(struct program *program) {
  struct failure failure;
  int error = loop_open(&program->loop);
  if (error == 0) error = open_signals(program);
  if (error != 0) return complain("an event loop for", "berth-stdio", error);
  if (!board_open(&program->board, &program->loop, &program->options.board, &failure)) {
    fprintf(stderr, "%s\n", failure.text);
    return -EIO;
  }
  program->board.owner = program;
  program->board.over = stop;
  error = program->options.is_logger ? take_pipes(program) : open_fifos(program);
  if (error == 0) board_start(&program->board, false);
  return error;
}

/* Tells whoever started us, then lets go of them. */
static int detach(const struct program *program) {
  if (program->options.is_logger) {
    if (write(LOGGER_READY, "", 1) != 1) return -EIO;
    close(LOGGER_READY);
    return 0;
  }
  if (write(STDOUT_FILENO, "ready\n", 6) != 6) return -EIO;
  int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (nothing < 0) return -errno;
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
    if (dup2(nothing, fd) < 0) return -errno;
  close(nothing);
  (void)setsid(); /* fails only for one that leads a session already */
  return 0;
}

/* Everybody inherits 0 to 2; opened files must not land there when they were closed. */
static int hold_standard_fds(void) {
  int fd;
  while ((fd = open("/dev/null", O_RDWR | O_CLOEXEC)) >= 0 && fd <= STDERR_FILENO) continue;
  if (fd < 0) return -errno;
  close(fd);
  return 0;
}

int main(int argc, char **argv) {
  struct program program = { .signals.fd = -1 };
  if (hold_standard_fds() != 0 || options_parse(&program.options, argc, argv) != 0) return 2;
  signal(SIGPIPE, SIG_IGN);
  int error = program_open(&program);
  if (error == 0) error = detach(&program);
  if (error == 0) error = loop_run(&program.loop);
  if (program.board.loop != NULL) board_close(&program.board);
  return error == 0 ? 0 : 1;
}
