/* args.h: one table declares a command's options; parsing, help and the JSON that the scripts
 * get all come from it. */
#ifndef NL_CLI_ARGS_H
#define NL_CLI_ARGS_H

#include <stdbool.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"

typedef enum { NL_ARG_FLAG, NL_ARG_TEXT, NL_ARG_INT, NL_ARG_NUMBER, NL_ARG_LIST } nl_arg_kind;

typedef struct {
    const char *name; /* "--name"; the JSON member is the same with _ for - */
    char letter;      /* "-n", or 0 */
    nl_arg_kind kind;
    const char *value; /* what help calls the value; NULL for flags */
    const char *help;
} nl_arg;

typedef struct nl_command {
    const char *name, *alias; /* alias may be NULL */
    const char *operand;      /* NULL: takes none; "PHASE": may be left out; its JSON member is its
                               * last word in lower case */
    const char *summary;      /* one line */
    const char *text;         /* more, or NULL */
    const nl_arg *args;       /* a NULL name at the end */
    int (*run)(const struct nl_command *command, int argc, char **argv);
} nl_command;

/* Reads argv (options in any place, "--" ends them) into one JSON object in *json, whose member
 * "command" is the command's name. False with NL_INVALID and a sentence naming the argument and the
 * nearest known one. */
bool nl_args_read(const nl_command *command, int argc, char **argv, nl_buf *json, nl_err *err);

void nl_args_help(const nl_command *command, FILE *out);

#endif
