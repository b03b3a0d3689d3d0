/* err.h: what went wrong, as a value.
 *
 * A function that can fail takes `nl_err *err` last and returns bool or a pointer. On success
 * it leaves *err untouched; on failure it fills it. `err` may be NULL where the caller does
 * not want to know. An nl_err owns nothing: copy it freely. */
#ifndef NL_BASE_ERR_H
#define NL_BASE_ERR_H

#include <stdbool.h>

typedef enum {
    NL_OK = 0,
    NL_NOMEM,     /* memory ran out */
    NL_INVALID,   /* the caller gave something that cannot be right */
    NL_IO,        /* a file, a pipe, a full disk */
    NL_CONFIG,    /* the configuration, the command line, a template */
    NL_SCRIPT,    /* a phase or library script */
    NL_DB,        /* the database said no; sqlstate says how */
    NL_NET,       /* could not connect, or the connection broke */
    NL_MODEL,     /* the model's endpoint answered with an error */
    NL_TIMEOUT,   /* a deadline passed */
    NL_LIMIT,     /* a size, depth or cost cap was met */
    NL_CANCELLED, /* somebody asked to stop */
    NL_BUSY,      /* somebody else holds it */
    NL_NOTFOUND,  /* no such file, table, function, … */
    NL_BUDGET     /* the money does not reach */
} nl_code;

typedef struct {
    nl_code code;
    char sqlstate[6]; /* "" where it does not come from PostgreSQL */
    char msg[506];    /* UTF-8, cut at a character's edge, no final newline */
} nl_err;

/* Sets *err; a message that is too long is cut. Returns false, so that
 * `return nl_err_set(err, …)` reads well in a function returning bool. */
bool nl_err_set(nl_err *err, nl_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same as NL_IO (NL_NOMEM where errno says so), with ": " and strerror(errno) behind the
 * message. */
bool nl_err_errno(nl_err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* NL_NOMEM, "out of memory". */
bool nl_err_nomem(nl_err *err);

/* Puts text before the message that *err already holds. Returns false. */
bool nl_err_prefix(nl_err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "nomem", "db", …: the word that scripts see as an error's code. Static. */
const char *nl_code_name(nl_code code);

#endif
