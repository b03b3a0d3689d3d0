#include "cli/dotenv.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/edit.h"
#include "base/log.h"
#include "data/json.h"

#include "base/banned.h"

enum { MAX_BYTES = 64 << 10 };

/* What the environment may tell us: scripts/nlsql/settings.lua says what most of it means. */
static const char *const known[NL_DOTENV_MOST] = {
    "DATABASE_URL",        "OPENAI_API_KEY", "OPENAI_BASE_URL",      "OPENAI_BUDGET_USD",
    "OPENAI_MAX_PARALLEL", "DG_PARALLELISM", "DB_COCURRENT_SESSION", "MAX_DB_CONCURRENT_LIMIT_ALL",
};

static const char *known_name(const char *name, size_t size) {
    for (size_t i = 0; i < NL_DOTENV_MOST; i++) {
        if (strlen(known[i]) == size && memcmp(known[i], name, size) == 0)
            return known[i];
    }
    return NULL;
}

/* A variable whose name is one or two slips away, or NULL. */
static const char *meant_name(const char *name, size_t size) {
    for (size_t i = 0; i < NL_DOTENV_MOST; i++) {
        if (nl_edit_distance(name, size, known[i], strlen(known[i])) <= 2)
            return known[i];
    }
    return NULL;
}

/* --- one line -------------------------------------------------------------------------------- */

static const char *skip_blanks(const char *at) {
    return at + strspn(at, " \t");
}

/* Is nothing left but a comment? */
static bool is_over(const char *at) {
    at = skip_blanks(at);
    return *at == '\0' || *at == '#';
}

static char escaped(char c) {
    switch (c) {
    case 'n':
        return '\n';
    case 't':
        return '\t';
    case '"':
    case '\\':
    case '$':
        return c;
    default:
        return '\0';
    }
}

/* The value at `at`, which is not where the line begins, put in place of what was there; NULL with
 * *why where it cannot be read. */
static char *read_value(char *at, const char **why) {
    char quote = *at == '"' || *at == '\'' ? *at : '\0', *value = at, *to = at, *from = at;
    if (!quote) {
        while (*from && !(*from == '#' && isblank((unsigned char)from[-1])))
            from++;
        while (from > value && isblank((unsigned char)from[-1]))
            from--;
        *from = '\0';
        return value;
    }
    for (from++; *from && *from != quote; from++) {
        char c = quote == '"' && *from == '\\' ? escaped(from[1]) : '\0';
        *to++ = c ? c : *from;
        from += c != '\0';
    }
    if (*from != quote || !is_over(from + 1)) {
        *why =
            *from == quote ? "there is text behind the closing quote" : "the quote is not closed";
        return NULL;
    }
    *to = '\0';
    return value;
}

/* The environment wins; among lines the last. */
static void take(nl_dotenv *found, const char *path, const char *name, const char *value,
                 size_t line) {
    size_t at = 0;
    while (at < found->n && found->taken[at].name != name)
        at++;
    if (at == found->n && getenv(name))
        return;
    if (setenv(name, value, 1) != 0) {
        nl_log(NL_WARN, "%s:%zu: %s cannot be set: %s", path, line, name, strerror(errno));
        return;
    }
    found->taken[at].name = name;
    found->taken[at].line = line;
    found->n += at == found->n;
}

static void read_line(const char *path, char *text, size_t line, nl_dotenv *found) {
    const char *why = NULL;
    text += strspn(text, " \t");
    if (*text == '\0' || *text == '#')
        return;
    if (strncmp(text, "export", 6) == 0 && isblank((unsigned char)text[6]))
        text += 7 + strspn(text + 7, " \t");
    size_t size = 0;
    while (isalnum((unsigned char)text[size]) || text[size] == '_' ||
           (size > 0 && (text[size] == '.' || text[size] == '-')))
        size++;
    char *at = text + size + strspn(text + size, " \t");
    if (size == 0 || *at != '=') {
        nl_log(NL_WARN, "%s:%zu: expected NAME=VALUE; the line is left out", path, line);
        return;
    }
    at++;
    at += strspn(at, " \t");
    const char *name = known_name(text, size), *meant = name ? NULL : meant_name(text, size);
    if (meant)
        nl_log(NL_WARN, "%s:%zu: \"%.*s\" is not a variable of nlsql (did you mean %s?)", path,
               line, (int)size, text, meant);
    if (!name)
        return;
    char *value = read_value(at, &why);
    if (!value)
        nl_log(NL_WARN, "%s:%zu: %s: %s; the line is left out", path, line, name, why);
    else if (*value)
        take(found, path, name, value, line);
}

/* --- the file -------------------------------------------------------------------------------- */

static void read_lines(const char *path, char *text, nl_dotenv *found) {
    size_t line = 1;
    if (strncmp(text, "\xEF\xBB\xBF", 3) == 0)
        text += 3;
    while (text) {
        char *end = strchr(text, '\n'), *next = end ? end + 1 : NULL;
        if (end)
            *end = '\0';
        size_t size = strlen(text);
        if (size > 0 && text[size - 1] == '\r')
            text[size - 1] = '\0';
        read_line(path, text, line++, found);
        text = next;
    }
}

/* The file's text, and its mode; false where there is none, or after a warning. */
static bool read_file(const char *path, nl_buf *text, mode_t *mode) {
    struct stat info;
    nl_err err = { .code = NL_OK };
    if (stat(path, &info) != 0) {
        if (errno != ENOENT)
            nl_log(NL_WARN, "cannot read %s: %s", path, strerror(errno));
        return false;
    }
    *mode = info.st_mode;
    if (!S_ISREG(info.st_mode)) /* a pipe would be waited for */
        nl_log(NL_WARN, "%s is not a file: it is not read", path);
    else if (!nl_buf_read_file(text, path, MAX_BYTES, &err))
        nl_log(NL_WARN, "%s: nothing of it is taken", err.msg);
    else if (strlen(text->data) != text->size)
        nl_log(NL_WARN, "%s holds a NUL byte: nothing of it is taken", path);
    else
        return true;
    return false;
}

/* Compilers may not leave this out, as they may memset before a free. */
static void wipe(nl_buf *text) {
    volatile char *at = text->data;
    for (size_t i = 0; i < text->size; i++)
        at[i] = '\0';
}

void nl_dotenv_load(const char *path, nl_dotenv *found) {
    nl_buf text;
    mode_t mode = 0;
    *found = (nl_dotenv){ .n = 0 };
    nl_buf_init(&text);
    if (read_file(path, &text, &mode)) {
        read_lines(path, text.data, found);
        if (found->n > 0 && (mode & 077) != 0)
            nl_log(NL_WARN, "%s can be read or changed by others (mode %04o): chmod 600 %s", path,
                   (unsigned)(mode & 07777), path);
        wipe(&text);
    }
    nl_buf_release(&text);
}

bool nl_dotenv_report(const nl_dotenv *found, const char *path, nl_buf *json, nl_err *err) {
    nl_json_writer w;
    nl_buf places;
    char place[256];
    bool ok = false;

    nl_buf_init(&places);
    nl_json_writer_init(&w, &places);
    nl_json_open_object(&w);
    for (size_t i = 0; i < found->n; i++) {
        (void)snprintf(place, sizeof place, "%s:%zu", path, found->taken[i].line);
        nl_json_key(&w, found->taken[i].name);
        nl_json_str(&w, place);
    }
    nl_json_close_object(&w);
    if (!nl_json_writer_done(&w, err))
        goto out;
    json->data[--json->size] = '\0'; /* the object's closing brace */
    ok = nl_buf_printf(json, ",\"dotenv\":%s}", places.data) || nl_err_nomem(err);
out:
    nl_buf_release(&places);
    return ok;
}
