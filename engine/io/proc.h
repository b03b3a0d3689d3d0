/* proc.h: child processes that do not outlive us.
 *
 * A child gets the parent-death signal SIGKILL (or the one asked for), so it ends with this
 * program whatever ends that. It leads a process group of its own, so that Ctrl-C at the terminal
 * reaches us alone, and inherits no descriptor but the three standard ones. Linux only. */
#ifndef NL_IO_PROC_H
#define NL_IO_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

enum { NL_PROC_INHERIT = -1, NL_PROC_NULL = -2 };

typedef struct {
    const char *const *argv; /* NULL at the end; argv[0] looked up on PATH unless it has a slash */
    const char *const *env;  /* "NAME=value" added to ours; NULL for none */
    const char *cwd;         /* NULL: ours */
    uid_t uid;               /* run as, where we are root; 0: do not change */
    gid_t gid;               /* with uid; 0: that user's own group */
    int death_signal;        /* 0: SIGKILL */
    const char *stdin_path;  /* NULL: /dev/null */
    int stdout_fd;           /* NL_PROC_INHERIT: ours; NL_PROC_NULL: /dev/null; borrowed */
    int stderr_fd;
} nl_proc_options;

/* Starts a child; -1 with *err set. A command that cannot be executed is reported here
 * (NL_NOTFOUND, NL_IO), not as an exit status. The caller waits for the child (nl_proc_stop, or
 * waitpid). The parent-death signal is tied to the *thread* that calls this: call it from one
 * that lives as long as the program. */
pid_t nl_proc_start(const nl_proc_options *options, nl_err *err);

/* Runs a child to its end (blocking: never on the loop's thread while it serves others) and
 * collects up to 1 MiB of stdout and stderr together (stdout_fd and stderr_fd are ignored); what
 * comes after is read and dropped. Does not wait for grandchildren that keep the pipe open.
 * `output` is initialised by the caller and appended to. *status is the exit code, or
 * 128+signal; a failing command is no error. */
bool nl_proc_run(const nl_proc_options *options, nl_buf *output, int *status, nl_err *err);

/* Sends `signum` (0: none), waits up to `ms` for the end, then SIGKILL to its whole process group.
 * Blocking. Returns the exit code, or 128+signal; -1 where `pid` is no child of ours. */
int nl_proc_stop(pid_t pid, int signum, unsigned ms);

/* waitpid's status as an exit code, or 128+signal. */
int nl_proc_status(int wait_status);

/* Path of a program found on PATH, in `path`; false where there is none. */
bool nl_proc_which(const char *name, char *path, size_t room);

#endif
