/* fake.h: the fake model endpoint, started by a test. */
#ifndef NL_TESTS_SUPPORT_FAKE_H
#define NL_TESTS_SUPPORT_FAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct fake {
    pid_t pid;
    int out; /* its standard output */
    unsigned port;
    char base[64];    /* "http://127.0.0.1:PORT/v1" */
    char chat[96];    /* base and "/chat/completions" */
    char counts[256]; /* what it printed at its end */
    char script[64], log[64];
};

/* Starts `program` (BUILD_DIR "/tests/fake_openai") with the arguments (NULL at the end; NULL for
 * none). `script` is the text of a rules file, NULL for none. Its requests are logged to fake->log.
 * Fails the test where it does not start. */
void fake_start(struct fake *fake, const char *program, const char *const *arguments,
                const char *script);
/* Ends it, keeps its counts, removes its files. Fine where it was not started. */
void fake_stop(struct fake *fake);
/* The number after "name": in its counts; -1 where there is none. */
long fake_count(const struct fake *fake, const char *name);
/* Its log so far; the caller frees it. */
char *fake_log(const struct fake *fake);

#endif
