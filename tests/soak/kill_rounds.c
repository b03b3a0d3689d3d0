/* kill_rounds.c: nlsql run is killed at random moments and run again until it is done, and so on
 * for many rounds; what must be true then is looked at after each.
 *
 *     kill_rounds [--rounds N] [--seed S] [--with disk|database|endpoint] [--verbose]
 *
 * --with: in every other round the disk is full after a while, the database's sessions are cut and
 * it recovers, or the endpoint is killed and comes back, while the program runs. When a run is done
 * the next version is begun, and the finished one is replayed, which must give the same bytes. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "audit.h"
#include "world.h"

enum {
    MOST_MS = 700, /* killed by the clock, */
    MOST_BYTES =
        100 << 10, /* or once so much more was asked, so that slow machines get somewhere */
    PATIENCE_MS = 20000,
    REPLAY_EVERY = 3
};

enum with { WITH_NOTHING, WITH_DISK, WITH_DATABASE, WITH_ENDPOINT };

static struct {
    unsigned rounds;
    uint64_t seed;
    enum with with;
    bool verbose;
} options = { .rounds = 30 };

static struct { unsigned killed, ended, failed, versions, replays, faults; } counts;

/* May a run that met this fault end by itself with this exit code? */
static bool may_end(int status) {
    switch (status) {
    case 0: /* done */
    case 7: /* fewer than wanted: doubles */
        return true;
    case 1:
        return options.with == WITH_DISK;
    case 4:
        return options.with == WITH_DATABASE;
    case 5:
        return options.with == WITH_ENDPOINT;
    case 128 + SIGXFSZ:
    case 128 + SIGBUS: /* the log's index is mapped: a disk without room for it kills, too */
        return options.with == WITH_DISK;
    default:
        return false;
    }
}

/* Lets something happen to what the running program stands on. */
static void meddle(struct world *world, pid_t pid) {
    world_nap(world_random(world, 300));
    counts.faults++;
    switch (options.with) {
    case WITH_DISK:
        world_squeeze(world, pid, 4096 + world_random(world, 300) * 1024u);
        break;
    case WITH_DATABASE:
        world_restart_database(world);
        break;
    case WITH_ENDPOINT:
        world_restart_endpoint(world, world_random(world, 250));
        break;
    case WITH_NOTHING:
        break;
    }
}

static off_t size_of(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 ? info.st_size : 0;
}

/* Waits until it ends, or for a moment to kill it. */
static bool wait_a_while(struct world *world, pid_t pid, bool patient, int *status) {
    if (patient)
        return world_wait(pid, PATIENCE_MS, status);
    if (world_random(world, 2) == 0)
        return world_wait(pid, world_random(world, MOST_MS), status);
    double until = world_seconds() + PATIENCE_MS / 1e3;
    off_t enough = size_of(world->log) + (off_t)world_random(world, MOST_BYTES);
    while (size_of(world->log) < enough && world_seconds() < until) {
        if (world_wait(pid, 2, status))
            return true;
    }
    return world_wait(pid, world_random(world, 30), status);
}

/* One process of a run, killed unless it ends first. False where it ended as it must not. */
static bool one_round(struct world *world, unsigned round, unsigned version, int *status,
                      bool *ended) {
    bool meddled = options.with != WITH_NOTHING && world_random(world, 2) == 0;
    bool patient = meddled && world_random(world, 2) == 0; /* left to end by itself */
    double started = world_seconds();
    pid_t pid = world_run(world, version, false);
    if (meddled)
        meddle(world, pid);
    *ended = wait_a_while(world, pid, patient, status);
    if (!*ended) {
        kill(pid, SIGKILL);
        (void)world_wait(pid, PATIENCE_MS, status);
    }
    if (options.with == WITH_DISK)
        world_squeeze(world, pid, 0);
    counts.killed += !*ended;
    counts.ended += *ended;
    if (options.verbose)
        (void)printf("  round %u: version %u, %s after %.0f ms, status %d%s\n", round, version,
                     *ended ? "ended" : "killed", (world_seconds() - started) * 1e3, *status,
                     meddled ? ", meddled with" : "");
    if (*ended && !may_end(*status)) {
        char *said = world_said(world);
        (void)printf("  round %u: it ended with %d, having said:\n%s\n", round, *status, said);
        free(said);
        return false;
    }
    counts.failed += *ended && *status != 0 && *status != 7;
    return true;
}

/* A finished run, made again from its recorded replies. */
static bool replay(struct world *world, struct audit *audit, unsigned version) {
    char again[176];
    int status = -1;
    pid_t pid = world_run(world, version, true);
    if (!world_wait(pid, PATIENCE_MS, &status) || (status != 0 && status != 7)) {
        char *said = world_said(world);
        (void)printf("  the replay of version %u ended with %d, having said:\n%s\n", version,
                     status, said);
        free(said);
        return false;
    }
    counts.replays++;
    (void)snprintf(again, sizeof again, "%.*s.replay.jsonl",
                   (int)(strlen(audit->dataset) - strlen(".jsonl")), audit->dataset);
    return audit_same(audit, audit->dataset, again);
}

/* Kills change nothing of what comes out: every version is the first one over again. Only an
 * endpoint that went away leaves items undone, and so other doubles. */
static bool finish(struct world *world, struct audit *audit, unsigned version) {
    static char first[sizeof audit->dataset];
    counts.versions++;
    if (!first[0])
        memcpy(first, audit->dataset, sizeof first);
    if (options.with != WITH_ENDPOINT && !audit_same(audit, first, audit->dataset))
        return false;
    if (counts.versions % REPLAY_EVERY != 1)
        return true;
    return replay(world, audit, version);
}

static bool all_rounds(struct world *world, struct audit *audit) {
    unsigned version = 1;
    bool ended = true;
    int status = 0;
    audit_next(audit, version);
    for (unsigned round = 1; round <= options.rounds; round++) {
        if (!one_round(world, round, version, &status, &ended))
            return false;
        bool done = ended && (status == 0 || status == 7);
        if (!audit_look(audit, done)) {
            (void)printf("  round %u, version %u: %s\n", round, version, audit->fault);
            return false;
        }
        if (!done)
            continue;
        if (!finish(world, audit, version)) {
            (void)printf("  round %u, version %u: %s\n", round, version, audit->fault);
            return false;
        }
        audit_next(audit, ++version);
    }
    return true;
}

/* The last version to its end, without anybody's meddling. */
static bool last_to_its_end(struct world *world, struct audit *audit) {
    int status = -1;
    pid_t pid = world_run(world, audit->version, false);
    if (!world_wait(pid, 2 * PATIENCE_MS, &status) || (status != 0 && status != 7)) {
        char *said = world_said(world);
        (void)printf("  the last run ended with %d, having said:\n%s\n", status, said);
        free(said);
        return false;
    }
    if (audit_look(audit, true) && replay(world, audit, audit->version))
        return true;
    (void)printf("  at the end, version %u: %s\n", audit->version, audit->fault);
    return false;
}

static void usage(void) {
    (void)fputs("usage: kill_rounds [--rounds N] [--seed S] [--with disk|database|endpoint] "
                "[--verbose]\n",
                stderr);
    exit(2);
}

static void read_options(int argc, char **argv) {
    static const char *const names[] = { "", "disk", "database", "endpoint" };
    options.seed = (uint64_t)time(NULL);
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(argv[i], "--verbose") == 0) {
            options.verbose = true;
            continue;
        }
        if (!value)
            usage();
        if (strcmp(argv[i], "--rounds") == 0) {
            options.rounds = (unsigned)strtoul(value, NULL, 10);
        } else if (strcmp(argv[i], "--seed") == 0) {
            options.seed = strtoull(value, NULL, 10);
        } else if (strcmp(argv[i], "--with") == 0) {
            for (int w = WITH_DISK; w <= WITH_ENDPOINT; w++)
                options.with = strcmp(value, names[w]) == 0 ? (enum with)w : options.with;
            if (options.with == WITH_NOTHING)
                usage();
        } else {
            usage();
        }
        i++;
    }
}

int main(int argc, char **argv) {
    static struct world world;
    static struct audit audit;
    double started = world_seconds();
    read_options(argc, argv);
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    (void)printf("  seed %llu\n", (unsigned long long)options.seed);
    world_make(&world, options.seed, options.with == WITH_DISK);
    audit_init(&audit, world.work, world.log);
    bool ok = all_rounds(&world, &audit) && last_to_its_end(&world, &audit);
    (void)printf(
        "  %u rounds in %.0f s: %u killed, %u ended by themselves, %u of them for a fault (%u "
        "made); %u runs done, %u replayed\n"
        "  %zu requests, none twice that was committed; %zu torn ends and %zu datasets behind "
        "met; %zu reservations cut off\n",
        options.rounds, world_seconds() - started, counts.killed, counts.ended, counts.failed,
        counts.faults, counts.versions, counts.replays, audit.asked, audit.torn, audit.behind,
        audit.outstanding);
    /* a test in which nothing was in danger shows nothing */
    if (ok && options.rounds >= 30 && (counts.killed < options.rounds / 4 || audit.asked < 30)) {
        (void)printf("  too little happened: the times are wrong for this machine\n");
        ok = false;
    }
    audit_release(&audit);
    world_end(&world, !ok);
    (void)printf("  %s\n", ok ? "all held" : "FAILED");
    return ok ? 0 : 1;
}
