#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/utf8.h"

#include "base/banned.h"

enum { MAX_SECRETS = 16, LEAST_SECRET = 4 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static nl_level least_level = NL_INFO;
static bool as_json;
static int copy = -1; /* the file that gets every message */
static atomic_bool copying;
static char *secrets[MAX_SECRETS]; /* longest first: one may begin with another */
static size_t n_secrets;
static nl_buf *errors; /* gets those too */
static nl_buf block;   /* what the live block shows now */
static unsigned block_lines;

static const char *const level_names[] = { "debug", "info", "warn", "error" };

void nl_log_setup(nl_level least, bool json) {
    pthread_mutex_lock(&lock);
    least_level = least;
    as_json = json;
    pthread_mutex_unlock(&lock);
}

bool nl_log_file(const char *path) {
    int fd = path ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;
    int why = errno;
    pthread_mutex_lock(&lock);
    if (copy >= 0)
        close(copy);
    copy = fd;
    atomic_store(&copying, fd >= 0);
    pthread_mutex_unlock(&lock);
    errno = why;
    return fd >= 0 || !path;
}

void nl_log_errors(nl_buf *into) {
    pthread_mutex_lock(&lock);
    errors = into;
    pthread_mutex_unlock(&lock);
}

bool nl_log_has_file(void) {
    return atomic_load(&copying);
}

/* Keeps the longest first. */
static bool keep_secret(const char *text) {
    for (size_t i = 0; i < n_secrets; i++) {
        if (strcmp(secrets[i], text) == 0)
            return true;
    }
    char *own = n_secrets < MAX_SECRETS ? strdup(text) : NULL;
    if (!own)
        return false;
    size_t at = n_secrets++;
    for (; at > 0 && strlen(secrets[at - 1]) < strlen(own); at--)
        secrets[at] = secrets[at - 1];
    secrets[at] = own;
    return true;
}

static void redact(char *text) {
    for (size_t i = 0; i < n_secrets; i++) {
        size_t size = strlen(secrets[i]);
        for (char *at = text; (at = strstr(at, secrets[i])) != NULL; at += 3) {
            memcpy(at, "***", 3);
            memmove(at + 3, at + size, strlen(at + size) + 1);
        }
    }
}

void nl_log_redact(char *text) {
    pthread_mutex_lock(&lock);
    redact(text);
    pthread_mutex_unlock(&lock);
}

bool nl_log_is_live(void) {
    const char *term = getenv("TERM");
    return isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0 && !as_json;
}

/* Control characters would let a database's or an endpoint's words move the cursor, or worse. */
static void disarm(char *text) {
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7F)
            *text = '?';
    }
}

/* The live block is taken away before a line is written, and put back after it. */
static void erase_block(void) {
    if (block_lines > 0)
        (void)fprintf(stderr, "\r\033[%uA\033[J", block_lines);
    block_lines = 0;
}

static void draw_block(void) {
    if (block.size == 0)
        return;
    for (const char *at = block.data; *at;) {
        size_t n = strcspn(at, "\n");
        (void)fprintf(stderr, "%.*s\n", (int)n, at);
        block_lines++;
        at += n + (at[n] == '\n');
    }
}

void nl_log_block(const char *lines) {
    if (!nl_log_is_live())
        return;
    pthread_mutex_lock(&lock);
    if (!block.data)
        nl_buf_init(&block);
    erase_block();
    nl_buf_clear(&block);
    nl_buf_str(&block, lines);
    if (block.size > 0) {
        redact(block.data);
        disarm(block.data);
    }
    draw_block();
    (void)fflush(stderr);
    pthread_mutex_unlock(&lock);
}

/* A JSON string's inside. */
static void json_escape(nl_buf *out, const char *text) {
    const char *end = text + strlen(text), *valid = text + nl_utf8_span(text, (size_t)(end - text));
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (text == valid) { /* a byte that is no part of a character */
            nl_buf_str(out, "\\ufffd");
            valid = text + 1 + nl_utf8_span(text + 1, (size_t)(end - text - 1));
            continue;
        }
        if (c == '"' || c == '\\')
            nl_buf_printf(out, "\\%c", c);
        else if (c < 0x20)
            nl_buf_printf(out, "\\u%04x", c);
        else
            nl_buf_char(out, (char)c);
    }
}

bool nl_log_secret(const char *text) {
    if (strlen(text) < LEAST_SECRET)
        return true;
    nl_buf escaped;
    nl_buf_init(&escaped);
    json_escape(&escaped, text);
    pthread_mutex_lock(&lock);
    bool ok = keep_secret(text) && !escaped.failed && keep_secret(escaped.data);
    pthread_mutex_unlock(&lock);
    nl_buf_release(&escaped);
    return ok;
}

/* "2026-11-26T06:30:00.123Z"; without the milliseconds where they are not wanted. */
static void add_time(nl_buf *line, bool with_ms) {
    char when[40];
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    (void)strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &utc);
    nl_buf_str(line, when);
    if (with_ms)
        nl_buf_printf(line, ".%03d", (int)(now.tv_nsec / 1000000));
    nl_buf_char(line, 'Z');
}

static void format_line(nl_buf *line, nl_level level, const char *message) {
    if (as_json) {
        nl_buf_str(line, "{\"time\":\"");
        add_time(line, false);
        nl_buf_printf(line, "\",\"level\":\"%s\",\"msg\":\"", level_names[level]);
        json_escape(line, message);
        nl_buf_str(line, "\"}\n");
    } else if (level == NL_INFO) {
        nl_buf_printf(line, "%s\n", message);
    } else {
        nl_buf_printf(line, "%s: %s\n", level_names[level], message);
    }
}

static void show(nl_level level, const char *message) {
    nl_buf line;
    nl_buf_init(&line);
    format_line(&line, level, message);
    erase_block();
    (void)fwrite(line.data, 1, line.size, stderr);
    draw_block();
    (void)fflush(stderr);
    nl_buf_release(&line);
}

static bool write_all(int fd, const char *bytes, size_t size) {
    while (size > 0) {
        ssize_t n = write(fd, bytes, size);
        if (n < 0 && errno != EINTR)
            return false;
        bytes += n > 0 ? n : 0;
        size -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

static void write_copy(nl_level level, const char *message) {
    nl_buf line;
    nl_buf_init(&line);
    add_time(&line, true);
    nl_buf_printf(&line, " %-5s ", level_names[level]);
    for (const char *at = message;;) {
        size_t n = strcspn(at, "\n");
        nl_buf_add(&line, at, n);
        nl_buf_char(&line, '\n');
        at += n;
        if (!*at++ || !*at)
            break;
        nl_buf_str(&line, "    ");
    }
    if (!write_all(copy, line.data, line.size)) {
        nl_buf_clear(&line);
        nl_buf_printf(&line, "the log's file ends here: %s", strerror(errno));
        close(copy);
        copy = -1;
        atomic_store(&copying, false);
        show(NL_WARN, line.data);
    }
    nl_buf_release(&line);
}

void nl_log(nl_level level, const char *format, ...) {
    bool shown = level >= least_level;
    nl_buf message;
    va_list args;

    if (!shown && !atomic_load(&copying))
        return;
    nl_buf_init(&message);
    va_start(args, format);
    nl_buf_vprintf(&message, format, args);
    va_end(args);
    pthread_mutex_lock(&lock);
    if (message.size > 0)
        redact(message.data);
    if (shown && as_json) /* which escapes what must not reach a terminal */
        show(level, message.data);
    if (message.size > 0)
        disarm(message.data);
    if (shown && !as_json)
        show(level, message.data);
    if (copy >= 0)
        write_copy(level, message.data);
    if (errors && level == NL_ERROR) {
        if (errors->size > 0)
            nl_buf_char(errors, '\n');
        nl_buf_str(errors, message.data);
    }
    pthread_mutex_unlock(&lock);
    nl_buf_release(&message);
}
