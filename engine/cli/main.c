/* main.c: the subcommands and what each takes. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "bind/lua_console.h"
#include "cli/args.h"
#include "cli/dotenv.h"
#include "cli/engine.h"

#include "base/banned.h"

#define DOTENV ".env"

#define NO_MORE                                                                                    \
    { NULL, 0, NL_ARG_FLAG, NULL, NULL }

#define LOG_OPTIONS                                                                                \
    { "log-format", 0, NL_ARG_TEXT, "text|json", "how lines on standard error look" },             \
        { "verbose", 'v', NL_ARG_FLAG, NULL, "debug lines too" }, {                                \
        "quiet", 'q', NL_ARG_FLAG, NULL, "warnings and errors only"                                \
    }

#define TRUST_OPTION                                                                               \
    { "trust", 0, NL_ARG_FLAG, NULL, "no sandbox for the phases: only for your own" }

#define DEMO_OPTION                                                                                \
    { "demo", 0, NL_ARG_FLAG, NULL, "the demo database, whatever DATABASE_URL says" }

static const nl_arg run_args[] = {
    { "phase", 'p', NL_ARG_TEXT, "NAME", "the phase, where it is not given as PHASE" },
    { "config", 'c', NL_ARG_TEXT, "FILE", "configuration (default: config.yaml here, if any)" },
    { "count", 'n', NL_ARG_INT, "N", "pairs wanted (each phase says of what)" },
    { "set", 's', NL_ARG_LIST, "KEY=VALUE", "any option of the phase; may be repeated" },
    { "model", 'm', NL_ARG_TEXT, "NAME", "model to ask" },
    { "base-url", 0, NL_ARG_TEXT, "URL", "OpenAI-compatible endpoint, up to and with /v1" },
    { "provider", 0, NL_ARG_TEXT, "NAME", "who answers: openai, or offline (a seeded grammar)" },
    DEMO_OPTION,
    { "budget", 'b', NL_ARG_NUMBER, "USD", "most that may be spent, over all runs of this store" },
    { "parallelism", 'j', NL_ARG_INT, "N", "items worked on at once" },
    { "schemas", 0, NL_ARG_TEXT, "A,B", "schemas to read (default: the search path's)" },
    { "seed", 0, NL_ARG_INT, "N", "seed of everything that is drawn" },
    { "run-version", 0, NL_ARG_TEXT, "V", "writes dataset_V.jsonl, a run of its own" },
    { "fresh", 0, NL_ARG_FLAG, NULL, "archives what was there and starts over" },
    { "replay", 0, NL_ARG_FLAG, NULL,
      "makes the dataset again from the recorded replies alone, beside the one there is" },
    { "retry-rejected", 0, NL_ARG_FLAG, NULL,
      "sends what was rejected through the gates again before it goes on" },
    { "dry-run", 0, NL_ARG_FLAG, NULL,
      "the plan, the first prompts, and what it may cost; no model is asked" },
    TRUST_OPTION,
    LOG_OPTIONS,
    NO_MORE,
};

#define MODEL_OPTIONS                                                                              \
    { "config", 'c', NL_ARG_TEXT, "FILE", "configuration (default: config.yaml here, if any)" },   \
        { "set", 's', NL_ARG_LIST, "KEY=VALUE", "any option of the phase; may be repeated" },      \
        { "base-url", 0, NL_ARG_TEXT, "URL", "OpenAI-compatible endpoint, up to and with /v1" },   \
        { "provider", 0, NL_ARG_TEXT, "NAME",                                                      \
          "who answers: openai, or offline (a seeded grammar)" },                                  \
        DEMO_OPTION,                                                                               \
        { "budget", 'b', NL_ARG_NUMBER, "USD",                                                     \
          "most that may be spent, over all runs of this store" },                                 \
        { "schemas", 0, NL_ARG_TEXT, "A,B", "schemas to read (default: the search path's)" },      \
        { "seed", 0, NL_ARG_INT, "N", "seed of everything that is drawn" }, {                      \
        "fresh", 0, NL_ARG_FLAG, NULL, "asks again what was answered before"                       \
    }

static const nl_arg try_args[] = {
    { "item", 'i', NL_ARG_INT, "N", "the Nth item of the plan (default: 1)" },
    { "table", 't', NL_ARG_TEXT, "TABLE", "the first item about this table" },
    { "watch", 'w', NL_ARG_FLAG, NULL,
      "again whenever the phase, a prompt or a script is saved, until Ctrl-C" },
    { "model", 'm', NL_ARG_LIST, "NAME", "model to ask; two or more are put side by side" },
    { "n", 'n', NL_ARG_INT, "N", "replies to the same prompt (default: 1)" },
    { "count", 0, NL_ARG_INT, "N", "pairs that the item wants" },
    TRUST_OPTION,
    MODEL_OPTIONS,
    LOG_OPTIONS,
    NO_MORE,
};

static const nl_arg ask_args[] = {
    { "json", 0, NL_ARG_FLAG, NULL, "one JSON object instead of text" },
    { "model", 'm', NL_ARG_TEXT, "NAME", "model to ask" },
    MODEL_OPTIONS,
    LOG_OPTIONS,
    NO_MORE,
};

static const nl_arg new_args[] = { LOG_OPTIONS, NO_MORE };

static const nl_arg schema_args[] = {
    { "config", 'c', NL_ARG_TEXT, "FILE", "configuration (default: config.yaml here, if any)" },
    { "format", 'f', NL_ARG_TEXT, "ddl|json|markdown", "how it is printed (default: ddl)" },
    { "schemas", 0, NL_ARG_TEXT, "A,B", "schemas to read (default: the search path's)" },
    DEMO_OPTION,
    { "tables", 't', NL_ARG_LIST, "TABLE", "only this table; may be repeated" },
    { "max-tokens", 0, NL_ARG_INT, "N", "cut to about N tokens, saying what was cut" },
    { "anon", 0, NL_ARG_FLAG, NULL, "instead, which column has stand-ins of which class, and why" },
    LOG_OPTIONS,
    NO_MORE,
};

static const nl_arg relations_args[] = {
    { "config", 'c', NL_ARG_TEXT, "FILE", "configuration (default: config.yaml here, if any)" },
    { "json", 0, NL_ARG_FLAG, NULL, "one JSON object instead of text" },
    { "dot", 0, NL_ARG_FLAG, NULL, "a graph for Graphviz" },
    { "mermaid", 0, NL_ARG_FLAG, NULL, "an entity-relationship diagram for Mermaid" },
    { "explain", 0, NL_ARG_TEXT, "A.X", "all that speaks for and against A.X referring to COLUMN" },
    { "all", 0, NL_ARG_FLAG, NULL, "those below the threshold too" },
    { "threshold", 0, NL_ARG_NUMBER, "N", "score from which on one is shown (default: 0.5)" },
    { "views", 0, NL_ARG_FLAG, NULL, "views too" },
    { "fresh", 0, NL_ARG_FLAG, NULL, "reads all again, whether the data changed or not" },
    { "schemas", 0, NL_ARG_TEXT, "A,B", "schemas to read (default: the search path's)" },
    DEMO_OPTION,
    LOG_OPTIONS,
    NO_MORE,
};

static const nl_arg check_args[] = {
    { "json", 0, NL_ARG_FLAG, NULL, "one JSON object for each line" },
    { "field", 0, NL_ARG_TEXT, "NAME",
      "the field that holds the query (default: the usual names)" },
    { "config", 'c', NL_ARG_TEXT, "FILE", "configuration (default: config.yaml here, if any)" },
    { "set", 's', NL_ARG_LIST, "KEY=VALUE", "a setting; may be repeated" },
    { "schemas", 0, NL_ARG_TEXT, "A,B", "schemas to read (default: the search path's)" },
    DEMO_OPTION,
    LOG_OPTIONS,
    NO_MORE,
};

static const nl_arg role_args[] = {
    { "config", 'c', NL_ARG_TEXT, "FILE", "configuration (default: config.yaml here, if any)" },
    { "schemas", 0, NL_ARG_TEXT, "A,B", "schemas to read (default: the search path's)" },
    DEMO_OPTION,
    LOG_OPTIONS,
    NO_MORE,
};

static const nl_arg config_args[] = {
    { "check", 0, NL_ARG_FLAG, NULL, "only says what a run would refuse: every complaint" },
    { "json", 0, NL_ARG_FLAG, NULL, "one JSON object instead of text" },
    { "phase", 'p', NL_ARG_TEXT, "NAME", "of the phases only this one" },
    { "count", 'n', NL_ARG_INT, "N", "pairs wanted (each phase says of what)" },
    { "model", 'm', NL_ARG_TEXT, "NAME", "model to ask" },
    { "parallelism", 'j', NL_ARG_INT, "N", "items worked on at once" },
    MODEL_OPTIONS,
    LOG_OPTIONS,
    NO_MORE,
};

static const nl_arg runs_args[] = {
    { "config", 'c', NL_ARG_TEXT, "FILE", "configuration (default: config.yaml here, if any)" },
    { "json", 0, NL_ARG_FLAG, NULL, "one JSON object a line instead of text" },
    { "all", 0, NL_ARG_FLAG, NULL, "those too that --fresh archived, and those of try and ask" },
    LOG_OPTIONS,
    NO_MORE,
};

static const nl_arg log_args[] = {
    { "config", 'c', NL_ARG_TEXT, "FILE", "configuration (default: config.yaml here, if any)" },
    { "follow", 'f', NL_ARG_FLAG, NULL, "goes on while the run does" },
    { "json", 0, NL_ARG_FLAG, NULL, "one JSON object a line instead of text" },
    LOG_OPTIONS,
    NO_MORE,
};

static const nl_arg phases_args[] = { LOG_OPTIONS, NO_MORE };

static void setup_log(int argc, char **argv) {
    nl_level least = NL_INFO;
    bool json = false;
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--verbose") == 0 || strcmp(argv[i], "-v") == 0)
            least = NL_DEBUG;
        else if (strcmp(argv[i], "--quiet") == 0 || strcmp(argv[i], "-q") == 0)
            least = NL_WARN;
        else if (strcmp(argv[i], "--log-format=json") == 0 ||
                 (strcmp(argv[i], "--log-format") == 0 && i + 1 < argc &&
                  strcmp(argv[i + 1], "json") == 0))
            json = true;
    }
    nl_log_setup(least, json);
}

/* Opens an engine, hands it the flags as JSON, closes it. */
static int with_engine(const nl_command *command, int argc, char **argv,
                       int (*run)(nlsql *engine, const nl_command *command, const char *flags)) {
    nl_err err = { .code = NL_OK };
    char error[512];
    int code = NLSQL_USAGE;
    nl_buf flags;
    nlsql_options options = { 0 };
    nlsql *engine = NULL;
    nl_dotenv dotenv;

    nl_buf_init(&flags);
    setup_log(argc, argv);
    if (!nl_args_read(command, argc, argv, &flags, &err)) {
        nl_log(NL_ERROR, "%s", err.msg);
        goto out;
    }
    nl_dotenv_load(DOTENV, &dotenv); /* before nlsql_open looks at the environment */
    if (!nl_dotenv_report(&dotenv, DOTENV, &flags, &err)) {
        nl_log(NL_ERROR, "%s", err.msg);
        code = NLSQL_RUN_ERROR;
        goto out;
    }
    engine = nlsql_open(&options, error, sizeof error);
    if (!engine) {
        nl_log(NL_ERROR, "%s", error);
        code = NLSQL_RUN_ERROR;
        goto out;
    }
    code = run(engine, command, flags.data);
out:
    nlsql_close(engine);
    nl_buf_release(&flags);
    return code;
}

static int do_run(nlsql *engine, const nl_command *command, const char *flags) {
    (void)command;
    return nl_engine_run(engine, flags);
}

static int do_command(nlsql *engine, const nl_command *command, const char *flags) {
    return nl_engine_command(engine, command->name, flags);
}

static int cmd_run(const nl_command *command, int argc, char **argv) {
    return with_engine(command, argc, argv, do_run);
}

static int cmd_script(const nl_command *command, int argc, char **argv) {
    return with_engine(command, argc, argv, do_command);
}

/* nlsql new phase NAME: the only kind of thing there is to make. */
static int cmd_new(const nl_command *command, int argc, char **argv) {
    if (argc < 2 || strcmp(argv[0], "phase") != 0) {
        nl_log(NL_ERROR, "usage: nlsql new phase NAME");
        return NLSQL_USAGE;
    }
    return with_engine(command, argc - 1, argv + 1, do_command);
}

static int cmd_lua(const nl_command *command, int argc, char **argv) {
    char error[512];
    nlsql_options options = { 0 };
    if (argc < 1) {
        nl_log(NL_ERROR, "which file? usage: nlsql %s FILE [ARGUMENT...]", command->name);
        return NLSQL_USAGE;
    }
    nl_dotenv dotenv;
    nl_dotenv_load(DOTENV, &dotenv);
    nlsql *engine = nlsql_open(&options, error, sizeof error);
    if (!engine) {
        nl_log(NL_ERROR, "%s", error);
        return NLSQL_RUN_ERROR;
    }
    int code = nl_engine_lua(engine, argc, argv);
    nlsql_close(engine);
    return code;
}

static const nl_arg no_args[] = { NO_MORE };

static const nl_command commands[] = {
    { "run", "gen", "PHASE",
      "Makes a dataset: asks the model, checks every answer, keeps what passes",
      "PHASE is a file (phases/joins.lua) or a name; without it every phase of config.yaml runs.\n"
      "Running the same command again goes on where it stopped.\n"
      "Without DATABASE_URL and a model, the demo database and a grammar serve in their place.\n"
      "\n"
      "environment: DATABASE_URL, OPENAI_API_KEY, OPENAI_BASE_URL, OPENAI_BUDGET_USD\n"
      "exit codes:  0 done, 1 run error, 2 usage, 3 configuration, 4 database, 5 model,\n"
      "             6 budget reached, 7 too few accepted, 130 interrupted",
      run_args, cmd_run },
    { "try", NULL, "PHASE", "Tries a phase's prompt on one item, and shows what every gate says",
      "PHASE is a file or a name. The first item of the plan is tried unless --item or --table "
      "names\n"
      "another. Replies are kept: the same prompt is not paid for twice (--fresh asks again). "
      "Nothing\n"
      "is added to a dataset.",
      try_args, cmd_run },
    { "ask", NULL, "QUESTION", "Answers one question: the query, what the gates say, and the rows",
      "Exit code 7 where the query did not pass every gate.", ask_args, cmd_run },
    { "new", NULL, "phase NAME", "Writes the skeleton of a phase and its prompt, to be edited",
      NULL, new_args, cmd_new },
    { "schema", NULL, NULL, "Prints what introspection sees of DATABASE_URL",
      "Without DATABASE_URL and a key, the demo database serves.", schema_args, cmd_script },
    { "relations", NULL, "COLUMN", "Prints the relations that the data supports, and why",
      "Reads every table once. Each relation goes from child to parent, declared or not, with a "
      "score from\n"
      "0 to 1; nlsql relations --explain a.x b.y tells all of one pair.",
      relations_args, cmd_script },
    { "check", NULL, "FILE", "Sends each line's query of a JSONL file through the gates",
      "FILE is a dataset, or what another tool wrote (\"query\", \"SQL\", a chat's \"messages\", "
      "…), or - for\n"
      "standard input. One verdict a line, in order. No model is asked. Stand-ins are executed as "
      "the\n"
      "values behind them where the store of the run that wrote them is (store:).\n"
      "\n"
      "exit codes:  0 all passed, 1 the file cannot be read, 3 configuration, 4 database, 7 some "
      "fell",
      check_args, cmd_script },
    { "role", NULL, "NAME", "Prints the SQL of a role that only reads what a run reads",
      "NAME is nlsql where it is not given. Nothing is changed: nlsql role | psql makes the role.\n"
      "A run warns where its own may do more; with require_readonly_role it refuses (exit code 4).",
      role_args, cmd_script },
    { "config", NULL, NULL, "Prints the configuration as it holds, each value with its origin",
      "The first that says it wins: a flag, the environment, .env, the phase's section, defaults,\n"
      "the top level of the file, what is built in. Secrets are not printed.\n"
      "\n"
      "exit codes:  0 done, 3 something is wrong",
      config_args, cmd_script },
    { "runs", NULL, NULL, "Lists the runs of the store: how far they are, and what they cost",
      "Works while a run is going on.", runs_args, cmd_script },
    { "log", NULL, "RUN", "Prints what happened in a run: what was accepted, rejected and asked",
      "RUN is a number of nlsql runs or a phase; without it the run that was last gone on with. "
      "Works "
      "while\nthe run is going on.",
      log_args, cmd_script },
    { "phases", NULL, NULL, "Lists the phases with their options", NULL, phases_args, cmd_script },
    { "lua", NULL, "FILE", "Runs a Lua file inside the engine, with all its modules", NULL, no_args,
      cmd_lua },
};

enum { N_COMMANDS = sizeof commands / sizeof *commands };

static void help(FILE *out) {
    (void)fprintf(out,
                  "nlsql turns a live PostgreSQL database into a verified dataset of questions "
                  "and SQL.\n\nusage: nlsql COMMAND [options]\n\n");
    for (size_t i = 0; i < N_COMMANDS; i++)
        (void)fprintf(out, "  %-9s %s\n", commands[i].name, commands[i].summary);
    (void)fprintf(out, "\nnlsql COMMAND --help tells more.\n");
}

static const nl_command *find_command(const char *name) {
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (strcmp(commands[i].name, name) == 0 ||
            (commands[i].alias && strcmp(commands[i].alias, name) == 0))
            return &commands[i];
    }
    return NULL;
}

static bool asks_for_help(int argc, char **argv) {
    return argc > 0 && (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0);
}

int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_IGN);     /* a write to a closed pipe is an error like any other … */
    nl_console_end_with_reader(); /* … but nobody reads any more where it is standard output */
    if (argc < 2) {
        help(stderr);
        return NLSQL_USAGE;
    }
    if (asks_for_help(argc - 1, argv + 1) || strcmp(argv[1], "help") == 0) {
        const nl_command *about = argc > 2 ? find_command(argv[2]) : NULL;
        if (about)
            nl_args_help(about, stdout);
        else
            help(stdout);
        return NLSQL_DONE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        (void)printf("nlsql %s\n", NL_VERSION);
        return NLSQL_DONE;
    }
    const nl_command *command = find_command(argv[1]);
    if (!command) {
        nl_log(NL_ERROR, "\"%s\" is not a command (see nlsql --help)", argv[1]);
        return NLSQL_USAGE;
    }
    if (command->run != cmd_lua && asks_for_help(argc - 2, argv + 2)) {
        nl_args_help(command, stdout);
        return NLSQL_DONE;
    }
    return command->run(command, argc - 2, argv + 2);
}
