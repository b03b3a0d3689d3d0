/* dotenv.h: variables of this program from the file .env of the working directory.
 *
 *     # comment
 *     DATABASE_URL=postgresql://app@host/shop
 *     export OPENAI_API_KEY='sk-…'     # quoted or not; a comment may follow
 *
 * Only the variables that nlsql documents are taken, and only where the environment does not have
 * them; others are another program's business and stay unsaid, but for one that looks like a slip
 * of ours. Within "…" \n, \t, \", \\ and \$ are understood, within '…' nothing is; $ is never
 * expanded, and a value ends with its line. Values never reach a log: complaints name line and
 * variable.
 *
 * For the program alone: nlsql_open leaves another program's environment as it is. */
#ifndef NL_CLI_DOTENV_H
#define NL_CLI_DOTENV_H

#include <stddef.h>

#include "base/buf.h"

enum { NL_DOTENV_MOST = 8 };

typedef struct {
    struct {
        const char *name; /* static */
        size_t line;
    } taken[NL_DOTENV_MOST]; /* what was put into the environment */
    size_t n;
} nl_dotenv;

/* Reads `path` into the environment. A file that is not there is no matter; everything else that is
 * wrong is a warning with its line: the run says itself what it misses. Warns where others may read
 * or change a file that something was taken from. Before there are threads: it calls setenv. */
void nl_dotenv_load(const char *path, nl_dotenv *found);

/* Adds {"NAME": "PATH:LINE", …} as member "dotenv" to the JSON object in *json, which has members.
 */
bool nl_dotenv_report(const nl_dotenv *found, const char *path, nl_buf *json, nl_err *err);

#endif
