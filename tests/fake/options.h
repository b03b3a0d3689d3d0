/* options.h: the fake endpoint's command line. */
#ifndef NL_TESTS_FAKE_OPTIONS_H
#define NL_TESTS_FAKE_OPTIONS_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pairs.h"
#include "rules.h"

enum server {
    AS_PLAIN,
    AS_OPENAI,
    AS_AZURE,
    AS_OPENROUTER,
    AS_ANTHROPIC,
    AS_OLLAMA,
    AS_LMSTUDIO,
    AS_LLAMA_SERVER,
    AS_VLLM,
    N_SERVERS
};

static const char *const server_names[] = {
    "plain",  "openai",   "azure",        "openrouter", "anthropic",
    "ollama", "lmstudio", "llama-server", "vllm",
};

static struct {
    unsigned port;
    long delay_ms, max_in_flight, rate, burst;
    enum server server;
    const char *key, *log_path;
    nl_buf tls_cert, tls_key; /* PEM; empty: plain http */
    bool no_json_schema, no_json_object, max_tokens_only, max_completion_tokens_only, ignore_stream,
        no_tools, random_usage;
    struct rules rules;
    struct pairs pairs;
    FILE *log;
} options;

static _Noreturn void die(const char *format, const char *what, const char *why) {
    (void)fprintf(stderr, format, what, why);
    exit(2);
}

/* Gives each line of a file to `add`. */
static void load(const char *path,
                 bool (*add)(void *to, const char *line, size_t size, nl_err *err), void *to) {
    nl_err err = { .msg = "" };
    nl_buf text;
    unsigned number = 0;

    nl_buf_init(&text);
    if (!nl_buf_read_file(&text, path, 0, &err))
        die("fake_openai: %s%s\n", err.msg, "");
    for (const char *line = text.data; *line;) {
        size_t size = strcspn(line, "\n");
        number++;
        if (strspn(line, " \t\r") < size && !add(to, line, size, &err)) {
            char where[512];
            (void)snprintf(where, sizeof where, "%s:%u", path, number);
            die("fake_openai: %s: %s\n", where, err.msg);
        }
        line += size + (line[size] == '\n');
    }
    nl_buf_release(&text);
}

static void load_whole(const char *path, nl_buf *text) {
    nl_err err = { .msg = "" };
    if (!nl_buf_read_file(text, path, 0, &err))
        die("fake_openai: %s%s\n", err.msg, "");
}

static bool add_rule(void *to, const char *line, size_t size, nl_err *err) {
    return rules_add(to, line, size, err);
}

static bool add_pair(void *to, const char *line, size_t size, nl_err *err) {
    return pairs_add(to, line, size, err);
}

static bool set_flag(const char *name) {
    const struct {
        const char *name;
        bool *flag;
    } flags[] = {
        { "--cycle", &options.pairs.cycle },
        { "--by-request", &options.pairs.by_request },
        { "--no-json-schema", &options.no_json_schema },
        { "--no-json-object", &options.no_json_object },
        { "--max-tokens-only", &options.max_tokens_only },
        { "--max-completion-tokens-only", &options.max_completion_tokens_only },
        { "--ignore-stream", &options.ignore_stream },
        { "--no-tools", &options.no_tools },
        { "--random-usage", &options.random_usage },
    };
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        if (strcmp(name, flags[i].name) == 0) {
            *flags[i].flag = true;
            return true;
        }
    }
    return false;
}

static void set_server(const char *name) {
    for (int i = 0; i < N_SERVERS; i++) {
        if (strcmp(name, server_names[i]) == 0) {
            options.server = (enum server)i;
            return;
        }
    }
    die("fake_openai: there is no server %s%s\n", name, "");
}

static void set_value(const char *name, const char *value) {
    char *end = NULL;
    long number = value ? strtol(value, &end, 10) : -1;
    bool is_number = value && *value && *end == '\0' && number >= 0;

    if (!value)
        die("fake_openai: %s needs a value%s\n", name, "");
    if (strcmp(name, "--script") == 0)
        load(value, add_rule, &options.rules);
    else if (strcmp(name, "--pairs") == 0)
        load(value, add_pair, &options.pairs);
    else if (strcmp(name, "--tls-cert") == 0)
        load_whole(value, &options.tls_cert);
    else if (strcmp(name, "--tls-key") == 0)
        load_whole(value, &options.tls_key);
    else if (strcmp(name, "--log") == 0)
        options.log_path = value;
    else if (strcmp(name, "--require-key") == 0)
        options.key = value;
    else if (strcmp(name, "--port") == 0 && is_number && number < 65536)
        options.port = (unsigned)number;
    else if (strcmp(name, "--as") == 0)
        set_server(value);
    else if (strcmp(name, "--max-in-flight") == 0 && is_number)
        options.max_in_flight = number;
    else if (strcmp(name, "--rate") == 0 && is_number)
        options.rate = number;
    else if (strcmp(name, "--burst") == 0 && is_number)
        options.burst = number;
    else if (strcmp(name, "--delay-ms") == 0 && is_number)
        options.delay_ms = number;
    else if (strcmp(name, "--per-reply") == 0 && is_number)
        options.pairs.per_reply = (size_t)number;
    else
        die("fake_openai: cannot use %s %s\n", name, value);
}

static void read_options(int argc, char **argv) {
    options.pairs.per_reply = 10;
    options.burst = 5;
    nl_buf_init(&options.tls_cert);
    nl_buf_init(&options.tls_key);
    for (int i = 1; i < argc; i++) {
        if (!set_flag(argv[i])) {
            set_value(argv[i], i + 1 < argc ? argv[i + 1] : NULL);
            i++;
        }
    }
    if (options.log_path && !(options.log = fopen(options.log_path, "ae")))
        die("fake_openai: cannot write %s: %s\n", options.log_path, strerror(errno));
}

static void free_options(void) {
    rules_free(&options.rules);
    pairs_free(&options.pairs);
    nl_buf_release(&options.tls_cert);
    nl_buf_release(&options.tls_key);
    if (options.log)
        (void)fclose(options.log);
}

#endif
