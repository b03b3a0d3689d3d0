#include "io/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/banned.h"

enum { MAX_OUTPUT = 1 << 20 };

/* What the child could not do, sent through a pipe that a successful exec closes. */
enum step { NO_FD, NO_USER, NO_CWD, NO_EXEC };
struct failure {
    enum step step;
    int code;
};

/* All that the child needs, made before the fork: after it only async-signal-safe calls are
 * allowed, since other threads may have held malloc's lock. */
struct plan {
    const nl_proc_options *options;
    char path[PATH_MAX];
    char **env;
    gid_t gid;
    int in, out, err; /* descriptors that become 0, 1 and 2 */
    int report;
    pid_t parent;
};

static bool is_program(const char *path) {
    struct stat st;
    return access(path, X_OK) == 0 && stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

bool nl_proc_which(const char *name, char *path, size_t room) {
    const char *at = getenv("PATH");
    if (!name[0] || strchr(name, '/'))
        return false;
    if (!at)
        at = "/usr/local/bin:/usr/bin:/bin";
    while (*at) {
        int n = (int)strcspn(at, ":");
        int size = n ? snprintf(path, room, "%.*s/%s", n, at, name) : 0; /* "": never the cwd */
        if (size > 0 && (size_t)size < room && is_program(path))
            return true;
        at += n + (at[n] == ':');
    }
    return false;
}

/* Is `one` an assignment to the same name as `two`? */
static bool same_name(const char *one, const char *two) {
    size_t n = strcspn(two, "=");
    return strncmp(one, two, n) == 0 && one[n] == '=';
}

/* Our environment less what `added` replaces, then `added`. The array is the caller's to free,
 * the strings are borrowed. */
static char **make_env(const char *const *added) {
    size_t ours = 0, theirs = 0, n = 0;
    while (environ && environ[ours])
        ours++;
    while (added && added[theirs])
        theirs++;
    char **env = calloc(ours + theirs + 1, sizeof *env);
    for (size_t i = 0; env && i < ours; i++) {
        bool replaced = false;
        for (size_t j = 0; j < theirs && !replaced; j++)
            replaced = same_name(environ[i], added[j]);
        if (!replaced)
            env[n++] = environ[i];
    }
    for (size_t j = 0; env && j < theirs; j++)
        env[n++] = (char *)(uintptr_t)added[j];
    return env;
}

static bool change_user(const nl_proc_options *options, gid_t gid) {
    if (options->uid == 0)
        return true;
    return setgroups(1, &gid) == 0 && setgid(gid) == 0 && setuid(options->uid) == 0;
}

/* dup2 onto itself would leave close-on-exec set. */
static bool install(int fd, int as) {
    return fd == as ? fcntl(fd, F_SETFD, 0) == 0 : dup2(fd, as) == as;
}

static _Noreturn void give_up(const struct plan *plan, enum step step) {
    struct failure failure = { .step = step, .code = errno };
    ssize_t n = write(plan->report, &failure, sizeof failure);
    _exit(n > 0 ? 127 : 126);
}

static _Noreturn void run_child(const struct plan *plan) {
    const nl_proc_options *options = plan->options;
    struct sigaction standard = { .sa_handler = SIG_DFL };
    sigset_t none;

    /* Handlers fall back by themselves at exec; ignored signals and the mask would stay. */
    sigaction(SIGPIPE, &standard, NULL);
    sigaction(SIGINT, &standard, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setpgid(0, 0);
    if (!install(plan->in, STDIN_FILENO) || !install(plan->out, STDOUT_FILENO) ||
        !install(plan->err, STDERR_FILENO))
        give_up(plan, NO_FD);
    close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    if (!change_user(options, plan->gid))
        give_up(plan, NO_USER);
    /* After the ids: changing them clears it. The parent may have died before. */
    prctl(PR_SET_PDEATHSIG, options->death_signal ? options->death_signal : SIGKILL);
    if (getppid() != plan->parent)
        _exit(126);
    if (options->cwd && chdir(options->cwd) != 0)
        give_up(plan, NO_CWD);
    char *const *argv = (char *const *)(uintptr_t)options->argv;
    execve(plan->path, argv, plan->env);
    give_up(plan, NO_EXEC);
}

static void set_failure(const struct plan *plan, struct failure failure, nl_err *err) {
    const nl_proc_options *options = plan->options;
    errno = failure.code;
    switch (failure.step) {
    case NO_FD:
        nl_err_errno(err, "cannot connect the standard streams of %s", plan->path);
        break;
    case NO_USER:
        nl_err_errno(err, "cannot run %s as user %u", plan->path, (unsigned)options->uid);
        break;
    case NO_CWD:
        nl_err_errno(err, "cannot enter %s", options->cwd);
        break;
    case NO_EXEC:
        nl_err_errno(err, "cannot run %s", plan->path);
        if (err && (failure.code == ENOENT || failure.code == ENOTDIR))
            err->code = NL_NOTFOUND;
        break;
    }
}

static int wait_for(pid_t pid) {
    int status = 0;
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            return -1;
    }
    return nl_proc_status(status);
}

/* Moves a descriptor that the three standard ones would overwrite. */
static int above_standard(int fd) {
    if (fd < 0 || fd > STDERR_FILENO)
        return fd;
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    close(fd);
    return moved;
}

/* What stands for `asked` in the child; `null` is /dev/null. A descriptor among 0..2 that is not
 * in its own place is duplicated to *made first, as installing another might overwrite it. */
static int stream(int asked, int own, int null, int *made) {
    int fd = asked == NL_PROC_INHERIT ? own : asked == NL_PROC_NULL ? null : asked;
    if (fd != own && fd <= STDERR_FILENO) {
        *made = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        return *made;
    }
    return fd;
}

static gid_t own_group(uid_t uid) {
    struct passwd entry, *found = NULL;
    char text[4096];
    if (getpwuid_r(uid, &entry, text, sizeof text, &found) == 0 && found)
        return found->pw_gid;
    return (gid_t)uid;
}

static bool fill_plan(struct plan *plan, const nl_proc_options *options, nl_err *err) {
    const char *name = options->argv ? options->argv[0] : NULL;
    if (!name || !name[0])
        return nl_err_set(err, NL_INVALID, "no command was given");
    if (strchr(name, '/')) {
        if (snprintf(plan->path, sizeof plan->path, "%s", name) >= (int)sizeof plan->path)
            return nl_err_set(err, NL_INVALID, "the command's path is too long");
    } else if (!nl_proc_which(name, plan->path, sizeof plan->path)) {
        return nl_err_set(err, NL_NOTFOUND, "cannot find the program %s on PATH", name);
    }
    plan->gid = options->gid;
    if (options->uid != 0 && options->gid == 0)
        plan->gid = own_group(options->uid);
    plan->env = make_env(options->env);
    return plan->env || nl_err_nomem(err);
}

static pid_t fork_child(struct plan *plan, int report_read, nl_err *err) {
    struct failure failure;
    ssize_t n;

    pid_t pid = fork();
    if (pid < 0) {
        nl_err_errno(err, "cannot start %s", plan->path);
        return -1;
    }
    if (pid == 0)
        run_child(plan);
    close(plan->report);
    plan->report = -1;
    do
        n = read(report_read, &failure, sizeof failure);
    while (n < 0 && errno == EINTR);
    if (n == (ssize_t)sizeof failure) {
        wait_for(pid);
        set_failure(plan, failure, err);
        return -1;
    }
    return pid;
}

pid_t nl_proc_start(const nl_proc_options *options, nl_err *err) {
    struct plan plan = { .options = options, .report = -1, .parent = getpid() };
    int null = -1, input = -1, report[2] = { -1, -1 }, made[2] = { -1, -1 };
    pid_t pid = -1;

    if (!fill_plan(&plan, options, err))
        goto out;
    null = above_standard(open("/dev/null", O_RDWR | O_CLOEXEC));
    if (null < 0) {
        nl_err_errno(err, "cannot open /dev/null");
        goto out;
    }
    if (options->stdin_path) {
        input = above_standard(open(options->stdin_path, O_RDONLY | O_CLOEXEC));
        if (input < 0) {
            nl_err_errno(err, "cannot read %s", options->stdin_path);
            goto out;
        }
    }
    if (pipe2(report, O_CLOEXEC) != 0) {
        nl_err_errno(err, "cannot start %s", plan.path);
        goto out;
    }
    report[1] = above_standard(report[1]);
    plan.in = input >= 0 ? input : null;
    plan.out = stream(options->stdout_fd, STDOUT_FILENO, null, &made[0]);
    plan.err = stream(options->stderr_fd, STDERR_FILENO, null, &made[1]);
    plan.report = report[1];
    if (plan.out < 0 || plan.err < 0 || plan.report < 0) {
        nl_err_errno(err, "cannot start %s", plan.path);
        goto out;
    }
    pid = fork_child(&plan, report[0], err);
    report[1] = plan.report;
out:
    for (int i = 0; i < 2; i++) {
        if (report[i] >= 0)
            close(report[i]);
        if (made[i] >= 0)
            close(made[i]);
    }
    if (null >= 0)
        close(null);
    if (input >= 0)
        close(input);
    free(plan.env);
    return pid;
}

int nl_proc_status(int wait_status) {
    return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

/* --- to the end ---------------------------------------------------------------------------- */

/* Reads what is there. False at the end of the stream, or an error, which ends it too. */
static bool drain(int fd, nl_buf *output, size_t start) {
    char bytes[16384];
    for (;;) {
        ssize_t n = read(fd, bytes, sizeof bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return true;
        if (n <= 0)
            return false;
        size_t have = output->size - start;
        size_t room = have < MAX_OUTPUT ? MAX_OUTPUT - have : 0;
        nl_buf_add(output, bytes, (size_t)n < room ? (size_t)n : room);
    }
}

bool nl_proc_run(const nl_proc_options *options, nl_buf *output, int *status, nl_err *err) {
    nl_proc_options piped = *options;
    int ends[2] = { -1, -1 }, child = -1;
    size_t start = output->size;
    bool ok = false;
    pid_t pid = -1;

    if (pipe2(ends, O_CLOEXEC) != 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) {
        nl_err_errno(err, "cannot make a pipe");
        goto out;
    }
    piped.stdout_fd = piped.stderr_fd = ends[1];
    pid = nl_proc_start(&piped, err);
    if (pid < 0)
        goto out;
    close(ends[1]);
    ends[1] = -1;
    child = pidfd_open(pid, 0);
    bool more = true;
    while (more) {
        struct pollfd fds[] = { { .fd = ends[0], .events = POLLIN },
                                { .fd = child, .events = POLLIN } };
        int n = poll(fds, child >= 0 ? 2 : 1, -1);
        if (n < 0 && errno != EINTR)
            break;
        bool ended = n > 0 && child >= 0 && fds[1].revents; /* asked before the last reading */
        more = drain(ends[0], output, start) && !ended;
    }
    *status = wait_for(pid);
    ok = !output->failed || nl_err_nomem(err);
out:
    for (int i = 0; i < 2; i++) {
        if (ends[i] >= 0)
            close(ends[i]);
    }
    if (child >= 0)
        close(child);
    return ok;
}

static long long now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int nl_proc_stop(pid_t pid, int signum, unsigned ms) {
    if (pid <= 0)
        return -1;
    int child = pidfd_open(pid, 0);
    if (signum != 0)
        kill(pid, signum);
    long long deadline = now_ms() + ms;
    bool ended = false;
    while (child >= 0 && !ended) {
        struct pollfd fd = { .fd = child, .events = POLLIN };
        long long left = deadline - now_ms();
        int n = poll(&fd, 1, left > 0 ? (int)left : 0);
        ended = n > 0;
        if (n == 0 || (n < 0 && errno != EINTR))
            break;
    }
    if (child >= 0)
        close(child);
    if (!ended) {
        kill(-pid, SIGKILL);
        kill(pid, SIGKILL); /* where it left its group */
    }
    return wait_for(pid);
}
