#include "world.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "io/proc.h"

enum { PAIRS = 4000, MISTAKEN = 9 /* one pair of so many */ };

void world_give_up(const char *what, const char *why) {
    (void)fprintf(stderr, "kill_rounds: %s: %s\n", what, why);
    exit(1);
}

unsigned world_random(struct world *world, unsigned n) {
    world->random ^= world->random << 13;
    world->random ^= world->random >> 7;
    world->random ^= world->random << 17;
    return (unsigned)((world->random >> 11) % n);
}

void world_nap(unsigned ms) {
    struct timespec nap = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000L };
    nanosleep(&nap, NULL);
}

double world_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static FILE *open_in(const struct world *world, const char *name) {
    char path[160];
    (void)snprintf(path, sizeof path, "%s/%s", world->dir, name);
    FILE *file = fopen(path, "we");
    if (!file)
        world_give_up(path, strerror(errno));
    return file;
}

static void close_written(FILE *file) {
    if (fclose(file) != 0)
        world_give_up("cannot write", strerror(errno));
}

/* --- the endpoint -------------------------------------------------------------------------- */

static void write_replies(const struct world *world) {
    FILE *pairs = open_in(world, "pairs.jsonl"), *rules = open_in(world, "rules.jsonl");
    for (int i = 1; i <= PAIRS; i++)
        (void)fprintf(pairs,
                      "{\"question\":\"How many purchases above number %d has each country?\","
                      "\"sql\":\"SELECT c.%s, count(*) FROM customer c JOIN purchase p USING "
                      "(customer_id) WHERE p.purchase_id + %d > 0 GROUP BY 1\"}\n",
                      i, i % MISTAKEN ? "country" : "counrty", i);
    (void)fputs("{\"match\":\"different sets of tables\",\"content\":\"{\\\"sets\\\":["
                "{\\\"tables\\\":[\\\"customer\\\",\\\"purchase\\\"]},"
                "{\\\"tables\\\":[\\\"customer\\\",\\\"purchase\\\",\\\"product\\\"]},"
                "{\\\"tables\\\":[\\\"customer\\\",\\\"purchase\\\",\\\"purchase_line\\\"]}]}\"}\n"
                "{\"match\":\"You review PostgreSQL queries\",\"content\":\"{\\\"score\\\":0.3,"
                "\\\"reason\\\":\\\"a typing error\\\",\\\"fixed_sql\\\":\\\"SELECT c.country FROM "
                "customer c JOIN purchase p USING (customer_id) LIMIT 3\\\"}\"}\n",
                rules);
    close_written(pairs);
    close_written(rules);
}

static pid_t start(const char *const *argv, const char *const *env, const char *cwd, int out,
                   int err_fd) {
    nl_err err = { .msg = "" };
    const nl_proc_options options = {
        .argv = argv, .env = env, .cwd = cwd, .stdout_fd = out, .stderr_fd = err_fd
    };
    pid_t pid = nl_proc_start(&options, &err);
    if (pid < 0)
        world_give_up(argv[0], err.msg);
    return pid;
}

static void start_endpoint(struct world *world) {
    char port[16], pairs[96], rules[96], line[64] = "";
    int ends[2];
    (void)snprintf(port, sizeof port, "%u", world->port);
    (void)snprintf(pairs, sizeof pairs, "%s/pairs.jsonl", world->dir);
    (void)snprintf(rules, sizeof rules, "%s/rules.jsonl", world->dir);
    const char *const argv[] = { BUILD_DIR "/tests/fake_openai",
                                 "--port",
                                 port,
                                 "--delay-ms",
                                 "6",
                                 "--pairs",
                                 pairs,
                                 "--per-reply",
                                 "4",
                                 "--by-request",
                                 "--cycle",
                                 "--script",
                                 rules,
                                 "--log",
                                 world->log,
                                 NULL };
    if (pipe2(ends, O_CLOEXEC) != 0)
        world_give_up("pipe", strerror(errno));
    world->endpoint = start(argv, NULL, NULL, ends[1], NL_PROC_INHERIT);
    close(ends[1]);
    ssize_t n = read(ends[0], line, sizeof line - 1);
    close(ends[0]);
    if (n <= 0 || sscanf(line, "listening %u", &world->port) != 1)
        world_give_up("the endpoint did not start", line);
}

void world_restart_endpoint(struct world *world, unsigned ms) {
    (void)nl_proc_stop(world->endpoint, SIGKILL, 5000);
    world_nap(ms);
    start_endpoint(world);
}

/* --- the database -------------------------------------------------------------------------- */

static void start_database(struct world *world) {
    nl_err err = { .msg = "" };
    const char *const settings[] = { "restart_after_crash=on", NULL };
    const char *const files[] = { SOURCE_DIR "/tests/data/shop.sql", NULL };
    const nl_cluster_options options = { .settings = settings };
    world->cluster = nl_cluster_start(&options, &err);
    if (!world->cluster || !nl_cluster_create(world->cluster, "shop", files, &err))
        world_give_up("the database", err.msg);
    if (!nl_cluster_url(world->cluster, "shop", world->url, sizeof world->url))
        world_give_up("the database", "its URL is too long");
}

/* The postmaster takes the death of one session for a crash. */
void world_restart_database(const struct world *world) {
    char program[256];
    nl_buf out;
    nl_err err = { .msg = "" };
    int status = -1;
    (void)snprintf(program, sizeof program, "%s/psql", nl_cluster_bin(world->cluster));
    const char *const argv[] = {
        program,    "-XqAt", "-d",
        world->url, "-c",    "SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'",
        NULL
    };
    const nl_proc_options options = { .argv = argv };
    nl_buf_init(&out);
    if (!nl_proc_run(&options, &out, &status, &err))
        world_give_up("psql", err.msg);
    pid_t pid = (pid_t)strtol(out.data, NULL, 10);
    if (status == 0 && pid > 0) /* else it is still recovering from the last time */
        kill(pid, SIGKILL);
    nl_buf_release(&out);
}

/* --- the disk ------------------------------------------------------------------------------ */

static bool mount_work(const struct world *world) {
    return unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("tmpfs", world->work, "tmpfs", 0, "size=512m") == 0;
}

static unsigned long long largest;

static int look_at(const char *path, const struct stat *info, int type, struct FTW *at) {
    (void)path;
    (void)at;
    if (type == FTW_F && (unsigned long long)info->st_size > largest)
        largest = (unsigned long long)info->st_size;
    return 0;
}

void world_squeeze(const struct world *world, pid_t pid, size_t bytes) {
    if (world->disk == DISK_TMPFS) {
        struct statvfs info;
        char size[64] = "size=512m";
        if (statvfs(world->work, &info) != 0)
            world_give_up(world->work, strerror(errno));
        if (bytes > 0)
            (void)snprintf(size, sizeof size, "size=%llu",
                           (unsigned long long)(info.f_blocks - info.f_bfree) * info.f_bsize +
                               bytes);
        if (mount(NULL, world->work, NULL, MS_REMOUNT, size) != 0)
            world_give_up("cannot change the disk's size", strerror(errno));
    } else if (bytes > 0) {
        largest = 0;
        nftw(world->work, look_at, 16, FTW_PHYS);
        const struct rlimit limit = { largest + bytes, largest + bytes };
        (void)prlimit(pid, RLIMIT_FSIZE, &limit, NULL); /* it may have ended */
    }
}

/* --- the program --------------------------------------------------------------------------- */

static void write_config(const struct world *world) {
    char path[96];
    (void)snprintf(path, sizeof path, "%s/config.yaml", world->work);
    FILE *file = fopen(path, "we");
    if (!file)
        world_give_up(path, strerror(errno));
    (void)fprintf(file,
                  "openai_model: fake\n"
                  "base_url: http://127.0.0.1:%u/v1\n"
                  "loopback_is_free: false\n" /* so that money is reserved and settled */
                  "budget_usd: 100000\n"
                  "prices: { as_of: 2026-01-01, fake: { input: 1, output: 2 } }\n"
                  "retry_base: 0.02\n"
                  "parallelism: 3\n"
                  "db_concurrent_sessions: 4\n"
                  "gates: { literal_variants: 0 }\n"
                  "defaults: { count: 40, api_answer_count: 4, max_attempts: 30 }\n",
                  world->port);
    close_written(file);
}

pid_t world_run(const struct world *world, unsigned version, bool replay) {
    char name[16], url[560], path[96];
    (void)snprintf(name, sizeof name, "v%u", version);
    (void)snprintf(url, sizeof url, "DATABASE_URL=%s", world->url);
    (void)snprintf(path, sizeof path, "%s/said", world->dir);
    const char *const argv[] = { BUILD_DIR "/nlsql",
                                 "run",
                                 "joins",
                                 "--set",
                                 "total_table_pairs=3",
                                 "--run-version",
                                 name,
                                 replay ? "--replay" : NULL,
                                 NULL };
    const char *const env[] = { url, "OPENAI_API_KEY=none",
                                "OPENAI_BASE_URL=", "OPENAI_BUDGET_USD=", NULL };
    int said = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (said < 0)
        world_give_up(path, strerror(errno));
    pid_t pid = start(argv, env, world->work, NL_PROC_NULL, said);
    close(said);
    return pid;
}

bool world_wait(pid_t pid, unsigned ms, int *status) {
    double until = world_seconds() + ms / 1e3;
    int raw;
    for (;;) {
        if (waitpid(pid, &raw, WNOHANG) == pid) {
            *status = nl_proc_status(raw);
            return true;
        }
        double left = until - world_seconds();
        if (left <= 0)
            return false;
        world_nap(left > 0.005 ? 5 : 1);
    }
}

char *world_said(const struct world *world) {
    char path[96];
    nl_buf text;
    (void)snprintf(path, sizeof path, "%s/said", world->dir);
    nl_buf_init(&text);
    if (!nl_buf_read_file(&text, path, 0, NULL))
        world_give_up(path, "cannot read it");
    return nl_buf_detach(&text, NULL);
}

/* --- all of it ----------------------------------------------------------------------------- */

void world_make(struct world *world, uint64_t seed, bool disk) {
    *world = (struct world){ .random = seed * 0x9e3779b97f4a7c15u + 1 };
    (void)snprintf(world->dir, sizeof world->dir, "/tmp/nlsql-rounds-XXXXXX");
    if (!mkdtemp(world->dir))
        world_give_up(world->dir, strerror(errno));
    (void)snprintf(world->work, sizeof world->work, "%s/work", world->dir);
    (void)snprintf(world->log, sizeof world->log, "%s/requests", world->dir);
    if (mkdir(world->work, 0755) != 0)
        world_give_up(world->work, strerror(errno));
    if (disk && mount_work(world)) {
        world->disk = DISK_TMPFS;
    } else if (disk) {
        (void)printf("  may not mount a disk (%s): files that may not grow stand in for it\n",
                     strerror(errno));
        world->disk = DISK_LIMIT;
        (void)signal(SIGXFSZ, SIG_IGN);
    }
    write_replies(world);
    start_endpoint(world);
    write_config(world);
    start_database(world);
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *at) {
    (void)info;
    (void)type;
    (void)at;
    return remove(path);
}

void world_end(struct world *world, bool keep) {
    (void)nl_proc_stop(world->endpoint, SIGTERM, 5000);
    nl_cluster_stop(world->cluster);
    if (keep) {
        (void)printf("  what was left is in %s\n", world->dir);
        return;
    }
    if (world->disk == DISK_TMPFS)
        (void)umount2(world->work, MNT_DETACH);
    nftw(world->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
